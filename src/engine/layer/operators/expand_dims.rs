//! [`ExpandDims`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// A new axis of size 1.
///
/// # Shapes
/// `[batch, a, …]` to the same axes and one of size 1 more.
///
/// Source: <https://keras.io/api/ops/numpy/#expanddims-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpandDims {
    /// Which axis of the output is the new one, counted with the batch axis, or from the last one, which is -1.
    pub axis: i64,
}

impl Layer for ExpandDims {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(self.axis != 0, "/axis", "an axis other than the batch axis, which is 0", self.axis)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axes = inputs[0].0.len() + 1;
        let Some(place) = settings_checks::place_of(self.axis, axes) else {
            let detail = format!("expected 1 to {axes}, or -{axes} to -1, received {}", self.axis);
            return Err(FieldError::new("/axis", detail));
        };
        let mut whole = inputs[0].clone();
        whole.0.insert(place, 1);
        Ok(whole)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: true }
    }
}

impl<F: Real> Compute<F> for ExpandDims {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.copy_from_slice(cx.output_gradient);
        }
    }
}
