//! [`Cropping2d`].

use super::{Margins2d, frame::Frame};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Leaves out what lies at the ends of an image.
///
/// # Shapes
/// `[batch, height, width, channels]` to `[batch, height - above - below, width - left - right, channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/cropping2d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cropping2d {
    /// How much, at each end.
    pub cropping: Margins2d,
}

impl Default for Cropping2d {
    fn default() -> Self {
        Self { cropping: Margins2d([[0, 0], [0, 0]]) }
    }
}

impl Cropping2d {
    fn frame(&self, shape: &Shape) -> Frame {
        let [height, width, channels] = [shape.0[0], shape.0[1], shape.0[2]];
        Frame {
            outer_lines: height,
            outer_width: width * channels,
            lines: height - self.cropping.height().elements(),
            width: (width - self.cropping.width().elements()) * channels,
            above: self.cropping.height().0[0],
            left: self.cropping.width().0[0] * channels,
        }
    }
}

impl Layer for Cropping2d {
    fn check(&self) -> Result<(), FieldError> {
        self.cropping.check("/cropping")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [height, width, channels] = settings_checks::named_axes(&inputs[0], "height, width and channels")?;
        let (down, across) = (self.cropping.height().elements(), self.cropping.width().elements());
        let expected = format!("fewer than the {height} lines and the {width} columns of the input");
        settings_checks::range(
            down < height && across < width,
            "/cropping",
            &expected,
            format!("{down} and {across}"),
        )?;
        Ok(Shape(vec![height - down, width - across, channels]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Cropping2d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.frame(cx.inputs.shape(0)).extract(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.frame(cx.inputs.shape(0)).insert(cx.output_gradient, dx);
        }
    }
}
