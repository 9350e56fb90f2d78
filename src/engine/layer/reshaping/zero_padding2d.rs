//! [`ZeroPadding2d`].

use super::{Margins2d, frame::Frame};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Zeros around an image.
///
/// # Shapes
/// `[batch, height, width, channels]` to `[batch, height + above + below, width + left + right, channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding2d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ZeroPadding2d {
    /// How many zeros, at each end.
    pub padding: Margins2d,
}

impl Default for ZeroPadding2d {
    fn default() -> Self {
        Self { padding: Margins2d([[1, 1], [1, 1]]) }
    }
}

impl ZeroPadding2d {
    fn frame(&self, shape: &Shape) -> Frame {
        let [height, width, channels] = [shape.0[0], shape.0[1], shape.0[2]];
        Frame {
            outer_lines: height + self.padding.height().elements(),
            outer_width: (width + self.padding.width().elements()) * channels,
            lines: height,
            width: width * channels,
            above: self.padding.height().0[0],
            left: self.padding.width().0[0] * channels,
        }
    }
}

impl Layer for ZeroPadding2d {
    fn check(&self) -> Result<(), FieldError> {
        self.padding.check("/padding")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [height, width, channels] = settings_checks::named_axes(&inputs[0], "height, width and channels")?;
        let (down, across) = (self.padding.height().elements(), self.padding.width().elements());
        Ok(Shape(vec![height.saturating_add(down), width.saturating_add(across), channels]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for ZeroPadding2d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.frame(cx.inputs.shape(0)).insert(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.frame(cx.inputs.shape(0)).extract(cx.output_gradient, dx);
        }
    }
}
