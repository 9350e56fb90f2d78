//! [`Cropping3d`].

use super::{
    Margins3d,
    frame::{Frame, Volume},
};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Leaves out what lies at the ends of a volume.
///
/// # Shapes
/// `[batch, planes, height, width, channels]` to the same without what is taken from each axis but the channels.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/cropping3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cropping3d {
    /// How much, at each end.
    pub cropping: Margins3d,
}

impl Default for Cropping3d {
    fn default() -> Self {
        Self { cropping: Margins3d([[1, 1]; 3]) }
    }
}

impl Cropping3d {
    fn volume(&self, shape: &Shape) -> Volume {
        let [planes, height, width, channels] = [shape.0[0], shape.0[1], shape.0[2], shape.0[3]];
        let [across_planes, down, across] = self.cropping.elements();
        let frame = Frame {
            outer_lines: height,
            outer_width: width * channels,
            lines: height - down,
            width: (width - across) * channels,
            above: self.cropping.0[1][0],
            left: self.cropping.0[2][0] * channels,
        };
        Volume { frame, outer_planes: planes, planes: planes - across_planes, before: self.cropping.0[0][0] }
    }
}

impl Layer for Cropping3d {
    fn check(&self) -> Result<(), FieldError> {
        self.cropping.check("/cropping")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [planes, height, width, channels] =
            settings_checks::named_axes(&inputs[0], "planes, height, width and channels")?;
        let (sizes, gone) = ([planes, height, width], self.cropping.elements());
        let fits = sizes.iter().zip(gone).all(|(&size, gone)| gone < size);
        let expected =
            format!("fewer than the {planes} planes, the {height} lines and the {width} columns of the input");
        let received = format!("{}, {} and {}", gone[0], gone[1], gone[2]);
        settings_checks::range(fits, "/cropping", &expected, received)?;
        Ok(Shape(vec![planes - gone[0], height - gone[1], width - gone[2], channels]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Cropping3d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.volume(cx.inputs.shape(0)).extract(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.volume(cx.inputs.shape(0)).insert(cx.output_gradient, dx);
        }
    }
}
