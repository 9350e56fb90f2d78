//! [`UpSampling1d`].

use super::repetition::Repetition;
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Each step of a sequence `size` times.
///
/// # Shapes
/// `[batch, steps, channels]` to `[batch, steps * size, channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/up_sampling1d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpSampling1d {
    /// How often, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub size: usize,
}

impl Default for UpSampling1d {
    fn default() -> Self {
        Self { size: 2 }
    }
}

impl UpSampling1d {
    fn repetition(&self, shape: &Shape) -> Repetition {
        Repetition { width: 1, channels: shape.last(), times: [self.size, 1] }
    }
}

impl Layer for UpSampling1d {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [steps, channels] = settings_checks::named_axes(&inputs[0], "steps and channels")?;
        Ok(Shape(vec![steps.saturating_mul(self.size), channels]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for UpSampling1d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.repetition(cx.inputs.shape(0)).forward(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.repetition(cx.inputs.shape(0)).backward(cx.output_gradient, dx);
        }
    }
}
