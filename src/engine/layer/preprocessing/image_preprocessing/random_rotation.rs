//! [`RandomRotation`].

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
use std::f64::consts::TAU;

/// In training, each image is turned around its middle by an angle that is drawn. At inference, `y = x`.
///
/// # Shapes
/// `[batch, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_rotation/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomRotation {
    /// The angles, in full turns; positive ones go against the clock. Each from -1 to 1.
    pub factor: Factor,
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

impl Augmentation for RandomRotation {
    fn sampling(&self) -> Sampling {
        Sampling { fill_mode: self.fill_mode, fill_value: self.fill_value, interpolation: self.interpolation }
    }

    fn ranges(&self) -> [[f64; 2]; DRAWS] {
        [self.factor.range(), [0.0; 2]]
    }

    fn matrix(&self, [turns, _]: [f64; DRAWS], [height, width]: [f64; 2]) -> Matrix {
        let (sin, cos) = (turns * TAU).sin_cos();
        let (x, y) = ((width - 1.0) / 2.0, (height - 1.0) / 2.0);
        [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos]
    }
}

impl Layer for RandomRotation {
    fn check(&self) -> Result<(), FieldError> {
        self.factor.check("/factor", false)
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

impl<F: Real> Compute<F> for RandomRotation {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        super::forward(cx, self.seed, self);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        super::backward(cx, self);
    }
}
