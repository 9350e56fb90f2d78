//! [`RandomTranslation`].

use super::{
    Augmentation, DRAWS, Factor,
    transform::{FillMode, Matrix, Sampling, TransformInterpolation},
};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// In training, each image is moved down and to the right, or up and to the left. At inference, `y = x`.
///
/// # Shapes
/// `[batch, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_translation/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomTranslation {
    /// How far down, as a fraction of the height. Each from -1 to 1.
    pub height_factor: Factor,
    /// How far to the right, as a fraction of the width. Each from -1 to 1.
    pub width_factor: Factor,
    /// What stands outside of an image.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// A pixel outside of it, where `fill_mode` is `constant`.
    #[serde(default)]
    pub fill_value: f64,
    /// What pixels are that lie between those of the image.
    #[serde(default)]
    pub interpolation: TransformInterpolation,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Augmentation for RandomTranslation {
    fn sampling(&self) -> Sampling {
        Sampling { fill_mode: self.fill_mode, fill_value: self.fill_value, interpolation: self.interpolation }
    }

    fn ranges(&self) -> [[f64; 2]; DRAWS] {
        [self.height_factor.range(), self.width_factor.range()]
    }

    fn matrix(&self, [down, right]: [f64; DRAWS], [height, width]: [f64; 2]) -> Matrix {
        [1.0, 0.0, -right * width, 0.0, 1.0, -down * height]
    }
}

impl Layer for RandomTranslation {
    fn check(&self) -> Result<(), FieldError> {
        self.height_factor.check("/height_factor", false)?;
        self.width_factor.check("/width_factor", false)
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

impl<F: Real> Compute<F> for RandomTranslation {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        super::forward(cx, self.seed, self);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        super::backward(cx, self);
    }
}
