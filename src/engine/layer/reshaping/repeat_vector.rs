//! [`RepeatVector`].

use super::repetition::Repetition;
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// A vector as a sequence of `n` steps, each the vector.
///
/// # Shapes
/// `[batch, cells]` to `[batch, n, cells]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/repeat_vector/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatVector {
    /// How many steps, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub n: usize,
}

impl RepeatVector {
    fn repetition(&self, shape: &Shape) -> Repetition {
        Repetition { width: 1, channels: shape.elements(), times: [self.n, 1] }
    }
}

impl Layer for RepeatVector {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [cells] = settings_checks::named_axes(&inputs[0], "a vector")?;
        Ok(Shape(vec![self.n, cells]))
    }

    fn origins(&self, inputs: &[Shape]) -> Origins {
        Origins::Taken((0..self.n).flat_map(|_| 0..inputs[0].elements() as u32).collect())
    }
}

impl<F: Real> Compute<F> for RepeatVector {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.repetition(cx.inputs.shape(0)).forward(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.repetition(cx.inputs.shape(0)).backward(cx.output_gradient, dx);
        }
    }
}
