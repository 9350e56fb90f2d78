//! [`RmsNormalization`].

use super::normalize::Normalization;
use crate::engine::{
    field::FieldError,
    init::Initializer,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Workspace, axes::Axes},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = scale * x / sqrt(mean(x²) + epsilon)`, with the mean over `axis`.
///
/// # Shapes
/// Any, unchanged; scale has the sizes of the axes in `axis`.
///
/// Source: <https://keras.io/api/layers/normalization_layers/rms_normalization/>, <https://arxiv.org/abs/1910.07467>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsNormalization {
    /// The axes that are normalized together: the last one, or a list of the last ones; along them Keras lays the scale
    /// whatever this says.
    pub axis: Axes,
    /// Added to the mean of the squares, more than 0.
    pub epsilon: f64,
}

impl Default for RmsNormalization {
    fn default() -> Self {
        Self { axis: Axes::LAST, epsilon: 1e-6 }
    }
}

impl RmsNormalization {
    fn normalization(&self, shape: &Shape) -> Normalization {
        let width = self.axis.width(shape);
        Normalization { centered: false, epsilon: self.epsilon, width, scale: Some(0), shift: None }
    }
}

impl Layer for RmsNormalization {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/epsilon", self.epsilon)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.axis.trailing(&inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        vec![ParameterSpec::trained(
            "scale",
            Shape(self.axis.trailing(&inputs[0]).unwrap_or_default().to_vec()),
            &Initializer::Ones,
            None,
            None,
        )]
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let axes = self.axis.places(&inputs[0]).unwrap_or_default();
        self.normalization(&inputs[0]).workspace(&inputs[0], &axes)
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        6 * inputs[0].elements() as u64
    }
}

impl<F: Real> Compute<F> for RmsNormalization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.normalization(cx.inputs.shape(0)).forward(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.normalization(cx.inputs.shape(0)).backward(cx);
    }
}
