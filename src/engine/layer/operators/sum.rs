//! [`Sum`].

use super::reduction::{View, add_up, hand_back, shape_of};
use crate::engine::{
    field::FieldError,
    layer::{Axes, Backward, Compute, Forward, Layer, Origins},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The sum over some axes.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/numpy/#sum-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// The axes, counted with the batch axis or from the last one, which is -1: one, or several adjacent ones.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

impl Layer for Sum {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        shape_of(&self.axis, self.keepdims, &inputs[0])
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Sum {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        add_up(View::new(&self.axis, cx.inputs.shape(0)), cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let view = View::new(&self.axis, cx.inputs.shape(0));
        if let Some(dx) = cx.input_gradients.get(0) {
            hand_back(view, cx.output_gradient, dx);
        }
    }
}
