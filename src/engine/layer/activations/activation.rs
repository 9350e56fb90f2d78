//! [`ActivationLayer`].

use crate::engine::{
    activation::Activation,
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// An activation as a layer of its own: `y = f(x)`.
///
/// # Shapes
/// Any, unchanged; softmax works along the last axis.
///
/// Source: <https://keras.io/api/layers/core_layers/activation/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationLayer {
    /// The function.
    pub activation: Activation,
}

impl Layer for ActivationLayer {
    fn check(&self) -> Result<(), FieldError> {
        self.activation.check().map_err(|error| error.under("/activation"))
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(self.activation)
    }
}

impl<F: Real> Compute<F> for ActivationLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        if !cx.pass.logits {
            self.activation.forward(cx.output, cx.inputs.shape(0).last());
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, width) = (cx.inputs.get(0), cx.inputs.shape(0).last());
        if let Some(gradient) = cx.input_gradients.get(0) {
            gradient.copy_from_slice(cx.output_gradient);
            if !cx.pass.logits {
                self.activation.backward(x, cx.output, gradient, width);
            }
        }
    }
}
