//! [`IdentityLayer`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/core_layers/identity/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityLayer {}

impl Layer for IdentityLayer {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: true }
    }
}

impl<F: Real> Compute<F> for IdentityLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(gradient) = cx.input_gradients.get(0) {
            gradient.copy_from_slice(cx.output_gradient);
        }
    }
}
