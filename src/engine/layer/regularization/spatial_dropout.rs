//! [`SpatialDropout`]: [`SpatialDropout1d`], [`SpatialDropout2d`] and [`SpatialDropout3d`].

use super::threshold;
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Dropout of whole channels: in training, each channel of a row is set to zero with probability `rate`, and the others are
/// scaled by `1 / (1 - rate)`. At inference, `y = x`.
///
/// # Shapes
/// `spatial_dropout1d`: `[batch, steps, channels]`, unchanged; `spatial_dropout2d`: `[batch, height, width, channels]`;
/// `spatial_dropout3d`: `[batch, planes, height, width, channels]`.
///
/// Source: <https://keras.io/api/layers/regularization_layers/spatial_dropout1d/>,
/// <https://keras.io/api/layers/regularization_layers/spatial_dropout2d/>,
/// <https://keras.io/api/layers/regularization_layers/spatial_dropout3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout<const AXES: usize> {
    /// The fraction of channels that are dropped: 0 or more, less than 1.
    pub rate: f64,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// Dropout of the channels of sequences.
pub type SpatialDropout1d = SpatialDropout<1>;
/// Dropout of the channels of images.
pub type SpatialDropout2d = SpatialDropout<2>;
/// Dropout of the channels of volumes.
pub type SpatialDropout3d = SpatialDropout<3>;

impl<const AXES: usize> Layer for SpatialDropout<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range((0.0..1.0).contains(&self.rate), "/rate", "at least 0 and less than 1", self.rate)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axes = AXES + 1;
        let expected = format!("an input of {axes} axes, {}", settings_checks::axis_names::<AXES>());
        settings_checks::range(inputs[0].0.len() == axes, "", &expected, &inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { kept_per_row: inputs[0].last(), ..Workspace::default() }
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: false }
    }
}

impl<F: Real, const AXES: usize> Compute<F> for SpatialDropout<AXES> {
    /// The factor of each channel is kept for backward.
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
        if !cx.pass.training {
            cx.output.copy_from_slice(x);
            return;
        }
        let (channels, cells) = (shape.last(), shape.elements());
        let mut random = cx.pass.noise.stream(self.seed, channels);
        let (threshold, scale) = (threshold(self.rate), F::of(1.0 / (1.0 - self.rate)));
        let rows = cx.output.chunks_exact_mut(cells).zip(x.chunks_exact(cells));
        for ((y, x), factors) in rows.zip(cx.kept.chunks_exact_mut(channels)) {
            factors.fill_with(|| if random.next_u32() >= threshold { scale } else { F::ZERO });
            for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                y.iter_mut().zip(x).zip(&*factors).for_each(|((y, &x), &factor)| *y = x * factor);
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (channels, cells) = (shape.last(), shape.elements());
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let rows = dx.chunks_exact_mut(cells).zip(cx.output_gradient.chunks_exact(cells));
        for ((dx, dy), factors) in rows.zip(cx.kept.chunks_exact(channels)) {
            for (dx, dy) in dx.chunks_exact_mut(channels).zip(dy.chunks_exact(channels)) {
                dx.iter_mut().zip(dy).zip(factors).for_each(|((dx, &dy), &factor)| *dx = dy * factor);
            }
        }
    }
}
