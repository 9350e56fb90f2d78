//! [`CenterCrop`].

use super::resizing::{self, cropped};
use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, Layer, Origins, Workspace,
        reshaping::{frame::Frame, resized::ResizeInterpolation},
        settings_checks,
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The middle of an image. Where the image has fewer lines or columns than it should, its largest middle of the same ratio of
/// sides, resized as `bilinear` does it.
///
/// # Shapes
/// `[batch, lines, columns, channels]` to `[batch, height, width, channels]`.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// Lines of the output.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub height: usize,
    /// Columns of the output.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub width: usize,
}

impl CenterCrop {
    /// Where the output lies in an image, if it is large enough.
    fn frame(&self, shape: &Shape) -> Option<Frame> {
        let [lines, columns, channels] = [shape.0[0], shape.0[1], shape.0[2]];
        let (down, across) = (lines.checked_sub(self.height)?, columns.checked_sub(self.width)?);
        Some(Frame {
            outer_lines: lines,
            outer_width: columns * channels,
            lines: self.height,
            width: self.width * channels,
            above: down / 2,
            left: across / 2 * channels,
        })
    }
}

impl Layer for CenterCrop {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [_, _, channels] = settings_checks::named_axes(&inputs[0], "height, width and channels")?;
        Ok(Shape(vec![self.height, self.width, channels]))
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        self.frame(&inputs[0]).map_or_else(|| resizing::workspace(inputs), |_| Workspace::default())
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        if self.frame(&inputs[0]).is_some() {
            return Vec::new();
        }
        let axes = cropped([inputs[0].0[0], inputs[0].0[1]], [self.height, self.width]);
        resizing::tables(axes, ResizeInterpolation::Bilinear, false)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for CenterCrop {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        match self.frame(cx.inputs.shape(0)) {
            Some(frame) => frame.extract(cx.inputs.get(0), cx.output),
            None => resizing::forward(cx, 0.0),
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        match (self.frame(cx.inputs.shape(0)), cx.input_gradients.get(0)) {
            (Some(frame), Some(dx)) => frame.insert(cx.output_gradient, dx),
            (Some(_), None) => {}
            (None, _) => resizing::backward(cx),
        }
    }
}
