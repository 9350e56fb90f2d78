//! [`Dropout`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, NoiseShape, Origins, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// In training, each element is set to zero with probability `rate`, and the others are scaled by `1 / (1 - rate)`, so that
/// sums keep their expectation. At inference, `y = x`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/regularization_layers/dropout/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The fraction of elements that are dropped: 0 or more, less than 1.
    pub rate: f64,
    /// The shape of what is drawn, with the batch axis first: null for an axis as long as the input's, 1 where all elements along
    /// it are dropped together. Null for each element separately.
    #[serde(default)]
    pub noise_shape: Option<NoiseShape>,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Dropout {
    /// An element is kept where its random word is at least this.
    fn threshold(&self) -> u32 {
        (self.rate * 2f64.powi(32)) as u32
    }
}

impl Layer for Dropout {
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

impl<F: Real> Compute<F> for Dropout {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let x = cx.inputs.get(0);
        if !cx.pass.training {
            cx.output.copy_from_slice(x);
            return;
        }
        let (threshold, scale) = (self.threshold(), F::of(1.0 / (1.0 - self.rate)));
        if let Some(noise) = &self.noise_shape {
            let shape = cx.inputs.shape(0);
            noise.draw(&cx.pass, (self.seed, shape), (threshold, scale), cx.kept);
            return noise.each(shape, (x, &*cx.kept), cx.tables, cx.output, |x, factor| x * factor);
        }
        let mut random = cx.pass.noise.stream(self.seed, cx.inputs.shape(0).elements());
        for ((y, &x), mask) in cx.output.iter_mut().zip(x).zip(&mut *cx.kept) {
            *mask = if random.next_u32() >= threshold { scale } else { F::ZERO };
            *y = x * *mask;
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(gradient) = cx.input_gradients.get(0) {
            if let Some(noise) = &self.noise_shape {
                let read = (&*cx.output_gradient, &*cx.kept);
                return noise.each(cx.inputs.shape(0), read, cx.tables, gradient, |dy, factor| dy * factor);
            }
            for ((dx, &dy), &mask) in gradient.iter_mut().zip(&*cx.output_gradient).zip(&*cx.kept) {
                *dx = dy * mask;
            }
        }
    }
}
