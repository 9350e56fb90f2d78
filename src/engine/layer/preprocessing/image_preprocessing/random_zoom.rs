//! [`RandomZoom`].

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

/// In training, each image is enlarged or made smaller around its middle. At inference, `y = x`.
///
/// # Shapes
/// `[batch, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_zoom/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomZoom {
    /// How much more of the height is seen, as a fraction of it: 0.2 makes an image smaller, -0.2 larger. Each above -1, up to 1.
    pub height_factor: Factor,
    /// The same of the width; where absent, as much as of the height.
    #[serde(default)]
    pub width_factor: Option<Factor>,
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

impl Augmentation for RandomZoom {
    fn sampling(&self) -> Sampling {
        Sampling { fill_mode: self.fill_mode, fill_value: self.fill_value, interpolation: self.interpolation }
    }

    fn ranges(&self) -> [[f64; 2]; DRAWS] {
        [self.height_factor.range(), self.width_factor.map_or([0.0; 2], Factor::range)]
    }

    fn matrix(&self, [high, wide]: [f64; DRAWS], [height, width]: [f64; 2]) -> Matrix {
        let (along, down) = (1.0 + if self.width_factor.is_some() { wide } else { high }, 1.0 + high);
        let offset = |zoom: f64, size: f64| (size - 1.0) / 2.0 * (1.0 - zoom);
        [along, 0.0, offset(along, width), 0.0, down, offset(down, height)]
    }
}

impl Layer for RandomZoom {
    fn check(&self) -> Result<(), FieldError> {
        self.height_factor.check("/height_factor", true)?;
        self.width_factor.map_or(Ok(()), |factor| factor.check("/width_factor", true))
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

impl<F: Real> Compute<F> for RandomZoom {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        super::forward(cx, self.seed, self);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        super::backward(cx, self);
    }
}
