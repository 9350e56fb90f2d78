//! [`Cropping1d`].

use super::{Margins1d, frame::Frame};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Leaves out what lies at the ends of a sequence.
///
/// # Shapes
/// `[batch, steps, channels]` to `[batch, steps - before - after, channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/cropping1d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cropping1d {
    /// How much, at each end.
    pub cropping: Margins1d,
}

impl Default for Cropping1d {
    fn default() -> Self {
        Self { cropping: Margins1d([1, 1]) }
    }
}

impl Cropping1d {
    fn frame(&self, shape: &Shape) -> Frame {
        let [steps, channels] = [shape.0[0], shape.0[1]];
        Frame {
            outer_lines: steps,
            outer_width: channels,
            lines: steps - self.cropping.elements(),
            width: channels,
            above: self.cropping.0[0],
            left: 0,
        }
    }
}

impl Layer for Cropping1d {
    fn check(&self) -> Result<(), FieldError> {
        self.cropping.check("/cropping")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [steps, channels] = settings_checks::named_axes(&inputs[0], "steps and channels")?;
        let expected = format!("fewer than the {steps} steps of the input");
        settings_checks::range(self.cropping.elements() < steps, "/cropping", &expected, self.cropping.elements())?;
        Ok(Shape(vec![steps - self.cropping.elements(), channels]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Cropping1d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.frame(cx.inputs.shape(0)).extract(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.frame(cx.inputs.shape(0)).insert(cx.output_gradient, dx);
        }
    }
}
