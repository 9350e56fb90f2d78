//! [`GaussianDropout`].

use super::NORMAL_WORDS;
use crate::engine::{
    field::FieldError,
    init::normal,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// In training, `y = x * noise`, with noise of a normal distribution around 1 whose variance is that of dropout,
/// `rate / (1 - rate)`. At inference, `y = x`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/regularization_layers/gaussian_dropout/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GaussianDropout {
    /// The rate of the dropout that it stands for: 0 or more, less than 1.
    pub rate: f64,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Layer for GaussianDropout {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range((0.0..1.0).contains(&self.rate), "/rate", "at least 0 and less than 1", self.rate)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { kept_per_row: inputs[0].elements(), ..Workspace::default() }
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: false }
    }
}

impl<F: Real> Compute<F> for GaussianDropout {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let x = cx.inputs.get(0);
        if !cx.pass.training {
            cx.output.copy_from_slice(x);
            return;
        }
        let deviation = (self.rate / (1.0 - self.rate)).sqrt();
        let mut random = cx.pass.noise.stream(self.seed, NORMAL_WORDS * cx.inputs.shape(0).elements());
        for ((y, &x), factor) in cx.output.iter_mut().zip(x).zip(&mut *cx.kept) {
            *factor = F::of(1.0 + deviation * normal(&mut random));
            *y = x * *factor;
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(gradient) = cx.input_gradients.get(0) {
            for ((dx, &dy), &factor) in gradient.iter_mut().zip(&*cx.output_gradient).zip(&*cx.kept) {
                *dx = dy * factor;
            }
        }
    }
}
