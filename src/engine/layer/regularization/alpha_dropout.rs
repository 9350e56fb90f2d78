//! [`AlphaDropout`].

use super::threshold;
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, NoiseShape, Origins, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// In training, each element is set to what SELU gives at minus infinity with probability `rate`, and all are then scaled and
/// moved so that mean and variance stay. At inference, `y = x`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/regularization_layers/alpha_dropout/>, <https://arxiv.org/abs/1706.02515>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlphaDropout {
    /// The fraction of elements that are dropped: 0 or more, less than 1.
    pub rate: f64,
    /// The shape of what is drawn, as of `dropout`.
    #[serde(default)]
    pub noise_shape: Option<NoiseShape>,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// What SELU gives at minus infinity: minus its alpha times its scale.
const LOWEST: f64 = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;

impl Layer for AlphaDropout {
    fn check(&self) -> Result<(), FieldError> {
        self.noise_shape.as_ref().map_or(Ok(()), |shape| shape.check("/noise_shape"))?;
        settings_checks::range((0.0..1.0).contains(&self.rate), "/rate", "at least 0 and less than 1", self.rate)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.noise_shape.as_ref().map_or(Ok(()), |shape| shape.check_broadcast(&inputs[0], "/noise_shape"))?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let kept_per_row =
            self.noise_shape.as_ref().map_or_else(|| inputs[0].elements(), |shape| shape.elements(&inputs[0]));
        Workspace { kept_per_row, ..Workspace::default() }
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        self.noise_shape.iter().map(|shape| shape.places(&inputs[0])).collect()
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: false }
    }
}

impl<F: Real> Compute<F> for AlphaDropout {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let x = cx.inputs.get(0);
        if !cx.pass.training {
            cx.output.copy_from_slice(x);
            return;
        }
        let scale = ((1.0 - self.rate) * (1.0 + self.rate * LOWEST * LOWEST)).powf(-0.5);
        let shift = -scale * LOWEST * self.rate;
        let (dropped, scale, shift) = (F::of(scale * LOWEST + shift), F::of(scale), F::of(shift));
        let threshold = threshold(self.rate);
        if let Some(noise) = &self.noise_shape {
            let shape = cx.inputs.shape(0);
            noise.draw(&cx.pass, (self.seed, shape), (threshold, scale), cx.kept);
            let disturbed = |x, factor| if factor == F::ZERO { dropped } else { factor * x + shift };
            return noise.each(shape, (x, &*cx.kept), cx.tables, cx.output, disturbed);
        }
        let mut random = cx.pass.noise.stream(self.seed, cx.inputs.shape(0).elements());
        for ((y, &x), factor) in cx.output.iter_mut().zip(x).zip(&mut *cx.kept) {
            let keep = random.next_u32() >= threshold;
            *factor = if keep { scale } else { F::ZERO };
            *y = if keep { scale * x + shift } else { dropped };
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(gradient) = cx.input_gradients.get(0) {
            if let Some(noise) = &self.noise_shape {
                let read = (&*cx.output_gradient, &*cx.kept);
                return noise.each(cx.inputs.shape(0), read, cx.tables, gradient, |dy, factor| dy * factor);
            }
            for ((dx, &dy), &factor) in gradient.iter_mut().zip(&*cx.output_gradient).zip(&*cx.kept) {
                *dx = dy * factor;
            }
        }
    }
}
