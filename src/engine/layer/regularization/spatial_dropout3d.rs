//! [`SpatialDropout3d`].

use super::channels;
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Dropout of whole channels: in training, each channel of a volume is set to zero with probability `rate`, and the others
/// are scaled by `1 / (1 - rate)`. At inference, `y = x`.
///
/// # Shapes
/// `[batch, planes, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/regularization_layers/spatial_dropout3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout3d {
    /// The fraction of channels that are dropped: 0 or more, less than 1.
    pub rate: f64,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Layer for SpatialDropout3d {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range((0.0..1.0).contains(&self.rate), "/rate", "at least 0 and less than 1", self.rate)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axes = inputs[0].0.len();
        settings_checks::range(axes == 4, "", "an input of 4 axes, planes, height, width and channels", &inputs[0])?;
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

impl<F: Real> Compute<F> for SpatialDropout3d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        channels::forward(cx, self.rate, self.seed);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        channels::backward(cx);
    }
}
