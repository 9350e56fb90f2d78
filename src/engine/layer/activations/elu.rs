//! [`EluLayer`].

use crate::engine::{
    activation::{Activation, Elu},
    field::FieldError,
    layer::{ActivationLayer, Backward, Compute, Forward, Layer, MaskRule},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x` where x > 0, else `alpha * (exp(x) - 1)`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/activation_layers/elu/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EluLayer {
    /// How far below 0 it goes, at least 0.
    pub alpha: f64,
}

impl Default for EluLayer {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl EluLayer {
    fn layer(&self) -> ActivationLayer {
        ActivationLayer { activation: Activation::Elu(Elu { alpha: self.alpha }) }
    }
}

impl Layer for EluLayer {
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

impl<F: Real> Compute<F> for EluLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.layer().forward(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.layer().backward(cx);
    }
}
