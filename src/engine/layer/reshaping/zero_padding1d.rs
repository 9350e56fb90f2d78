//! [`ZeroPadding1d`].

use super::{Margins1d, frame::Frame};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Zeros around a sequence.
///
/// # Shapes
/// `[batch, steps, channels]` to `[batch, steps + before + after, channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding1d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ZeroPadding1d {
    /// How many zeros, at each end.
    pub padding: Margins1d,
}

impl Default for ZeroPadding1d {
    fn default() -> Self {
        Self { padding: Margins1d([1, 1]) }
    }
}

impl ZeroPadding1d {
    fn frame(&self, shape: &Shape) -> Frame {
        let [steps, channels] = [shape.0[0], shape.0[1]];
        Frame {
            outer_lines: steps + self.padding.elements(),
            outer_width: channels,
            lines: steps,
            width: channels,
            above: self.padding.0[0],
            left: 0,
        }
    }
}

impl Layer for ZeroPadding1d {
    fn check(&self) -> Result<(), FieldError> {
        self.padding.check("/padding")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [steps, channels] = settings_checks::named_axes(&inputs[0], "steps and channels")?;
        Ok(Shape(vec![steps.saturating_add(self.padding.elements()), channels]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for ZeroPadding1d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.frame(cx.inputs.shape(0)).insert(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.frame(cx.inputs.shape(0)).extract(cx.output_gradient, dx);
        }
    }
}
