//! [`Max`].

use super::{
    extremum,
    reduction::{View, shape_of},
};
use crate::engine::{
    field::FieldError,
    layer::{Axes, Backward, Compute, Forward, Layer, Origins, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The largest element along some axes; equal ones share the gradient.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/numpy/#max-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Max {
    /// The axes, counted with the batch axis or from the last one, which is -1: one, or several adjacent ones.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

impl Layer for Max {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        shape_of(&self.axis, self.keepdims, &inputs[0])
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: View::new(&self.axis, &inputs[0]).inner, ..Workspace::default() }
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Max {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        extremum::forward(
            cx,
            View::new(&self.axis, cx.inputs.shape(0)),
            #[inline(always)]
            |x, y| x > y,
        );
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let view = View::new(&self.axis, cx.inputs.shape(0));
        extremum::backward(cx, view);
    }
}
