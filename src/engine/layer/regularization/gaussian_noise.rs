//! [`GaussianNoise`].

use super::NORMAL_WORDS;
use crate::engine::{
    field::FieldError,
    init::normal,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// In training, `y = x + noise`, with noise of a normal distribution around 0. At inference, `y = x`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/regularization_layers/gaussian_noise/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// The noise's standard deviation, 0 to 1.
    pub stddev: f64,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Layer for GaussianNoise {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range((0.0..=1.0).contains(&self.stddev), "/stddev", "0 to 1", self.stddev)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: false }
    }
}

impl<F: Real> Compute<F> for GaussianNoise {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        if cx.pass.training {
            let mut random = cx.pass.noise.stream(self.seed, NORMAL_WORDS * cx.inputs.shape(0).elements());
            cx.output.iter_mut().for_each(|y| *y += F::of(self.stddev * normal(&mut random)));
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.copy_from_slice(cx.output_gradient);
        }
    }
}
