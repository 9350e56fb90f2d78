//! [`LeakyReluLayer`].

use crate::engine::{
    activation::{Activation, LeakyRelu},
    field::FieldError,
    layer::{ActivationLayer, Backward, Compute, Forward, Layer, MaskRule},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x` where x > 0, else `negative_slope * x`. The activation of the same name has another default, as in Keras.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/activation_layers/leaky_relu/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyReluLayer {
    /// The slope below 0, at least 0.
    pub negative_slope: f64,
}

impl Default for LeakyReluLayer {
    fn default() -> Self {
        Self { negative_slope: 0.3 }
    }
}

impl LeakyReluLayer {
    fn layer(&self) -> ActivationLayer {
        ActivationLayer { activation: Activation::LeakyRelu(LeakyRelu { negative_slope: self.negative_slope }) }
    }
}

impl Layer for LeakyReluLayer {
    fn check(&self) -> Result<(), FieldError> {
        self.layer().activation.check()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.layer().output_shape(inputs)
    }

    fn mask(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> MaskRule {
        self.layer().mask(inputs, masks)
    }
}

impl<F: Real> Compute<F> for LeakyReluLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.layer().forward(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.layer().backward(cx);
    }
}
