//! [`RandomFlip`].

use super::{
    Augmentation, DRAWS,
    transform::{FillMode, Matrix, Sampling, TransformInterpolation},
};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// In training, each image is turned over with probability 1/2. At inference, `y = x`.
///
/// # Shapes
/// `[batch, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_flip/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomFlip {
    /// In which direction, or in both at once.
    #[serde(default)]
    pub mode: FlipMode,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// How an image is turned over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlipMode {
    /// Left is right.
    Horizontal,
    /// Above is below.
    Vertical,
    /// Both.
    #[default]
    HorizontalAndVertical,
}

impl Augmentation for RandomFlip {
    fn sampling(&self) -> Sampling {
        Sampling { fill_mode: FillMode::Nearest, fill_value: 0.0, interpolation: TransformInterpolation::Nearest }
    }

    fn ranges(&self) -> [[f64; 2]; DRAWS] {
        [[0.0, 1.0], [0.0; 2]]
    }

    fn matrix(&self, [drawn, _]: [f64; DRAWS], [height, width]: [f64; 2]) -> Matrix {
        let flips = drawn <= 0.5;
        let along = |turned: bool, size: f64| if flips && turned { (-1.0, size - 1.0) } else { (1.0, 0.0) };
        let (a, c) = along(self.mode != FlipMode::Vertical, width);
        let (e, f) = along(self.mode != FlipMode::Horizontal, height);
        [a, 0.0, c, 0.0, e, f]
    }
}

impl Layer for RandomFlip {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        super::image(inputs)
    }

    fn workspace(&self, _: &[Shape]) -> Workspace {
        super::workspace()
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for RandomFlip {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        super::forward(cx, self.seed, self);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        super::backward(cx, self);
    }
}
