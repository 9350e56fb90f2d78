//! [`ZeroPadding`]: [`ZeroPadding1d`], [`ZeroPadding2d`] and [`ZeroPadding3d`].

use super::{Margins, frame::Volume, margins::sizes};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

/// Adds zeros at both ends of each axis but the channels.
///
/// # Shapes
/// `zero_padding1d`: `[batch, steps, channels]` to `[batch, steps + before + after, channels]`; `zero_padding2d`: `[batch,
/// height, width, channels]` to `[batch, height + above + below, width + left + right, channels]`; `zero_padding3d`: with
/// planes before the height.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding1d/>,
/// <https://keras.io/api/layers/reshaping_layers/zero_padding2d/>,
/// <https://keras.io/api/layers/reshaping_layers/zero_padding3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding<const AXES: usize> {
    /// Number of zeros added at each end of each axis.
    #[serde(default = "default_padding")]
    #[schema(schema_with = padding_schema::<AXES>)]
    pub padding: Margins<AXES>,
}

/// Zero padding of sequences.
pub type ZeroPadding1d = ZeroPadding<1>;
/// Zero padding of images.
pub type ZeroPadding2d = ZeroPadding<2>;
/// Zero padding of volumes.
pub type ZeroPadding3d = ZeroPadding<3>;

/// Keras's default.
fn default_padding<const AXES: usize>() -> Margins<AXES> {
    Margins([[1; 2]; AXES])
}

fn padding_schema<const AXES: usize>() -> RefOr<Schema> {
    Margins::<AXES>::schema("Number of zeros added", default_padding())
}

impl<const AXES: usize> ZeroPadding<AXES> {
    /// Where the input lies in the output.
    fn volume(&self, shape: &Shape) -> Volume {
        let (inner, channels) = sizes::<AXES>(shape);
        self.padding.volume(inner, channels)
    }
}

impl<const AXES: usize> Layer for ZeroPadding<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.padding.check("/padding")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let (mut sizes, channels) = settings_checks::spatial_axes::<AXES>(&inputs[0])?;
        sizes.iter_mut().zip(self.padding.totals()).for_each(|(size, more)| *size = size.saturating_add(more));
        Ok(Shape([&sizes[..], &[channels]].concat()))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real, const AXES: usize> Compute<F> for ZeroPadding<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.volume(cx.inputs.shape(0)).insert(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.volume(cx.inputs.shape(0)).extract(cx.output_gradient, dx);
        }
    }
}
