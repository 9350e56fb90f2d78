//! [`ZeroPadding3d`].

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

/// Zeros around a volume.
///
/// # Shapes
/// `[batch, planes, height, width, channels]` to the same with what is added to each axis but the channels.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ZeroPadding3d {
    /// How many zeros, at each end.
    pub padding: Margins3d,
}

impl Default for ZeroPadding3d {
    fn default() -> Self {
        Self { padding: Margins3d([[1, 1]; 3]) }
    }
}

impl ZeroPadding3d {
    fn volume(&self, shape: &Shape) -> Volume {
        let [planes, height, width, channels] = [shape.0[0], shape.0[1], shape.0[2], shape.0[3]];
        let [across_planes, down, across] = self.padding.elements();
        let frame = Frame {
            outer_lines: height + down,
            outer_width: (width + across) * channels,
            lines: height,
            width: width * channels,
            above: self.padding.0[1][0],
            left: self.padding.0[2][0] * channels,
        };
        Volume { frame, outer_planes: planes + across_planes, planes, before: self.padding.0[0][0] }
    }
}

impl Layer for ZeroPadding3d {
    fn check(&self) -> Result<(), FieldError> {
        self.padding.check("/padding")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [planes, height, width, channels] =
            settings_checks::named_axes(&inputs[0], "planes, height, width and channels")?;
        let mut sizes = [planes, height, width];
        sizes.iter_mut().zip(self.padding.elements()).for_each(|(size, more)| *size = size.saturating_add(more));
        Ok(Shape([&sizes[..], &[channels]].concat()))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for ZeroPadding3d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.volume(cx.inputs.shape(0)).insert(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.volume(cx.inputs.shape(0)).extract(cx.output_gradient, dx);
        }
    }
}
