//! [`OneHot`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// 1 in the place that a number names, counted from 0, and 0 in the others; of numbers beyond them, 0 everywhere. What is
/// behind the point of a number does not count. The gradient is 0.
///
/// # Shapes
/// `[batch, …]` to `[batch, …, num_classes]`.
///
/// Source: <https://keras.io/api/ops/nn/#onehot-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    /// How many places there are.
    #[serde(deserialize_with = "settings_checks::count")]
    pub num_classes: usize,
}

impl Layer for OneHot {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Exact
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(Shape([inputs[0].0.as_slice(), &[self.num_classes]].concat()))
    }
}

impl<F: Real> Compute<F> for OneHot {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.fill(F::ZERO);
        for (y, x) in cx.output.chunks_exact_mut(self.num_classes).zip(cx.inputs.get(0)) {
            let place = x.to_f64().trunc();
            if place >= 0.0
                && let Some(y) = y.get_mut(place as usize)
            {
                *y = F::ONE;
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.fill(F::ZERO);
        }
    }
}
