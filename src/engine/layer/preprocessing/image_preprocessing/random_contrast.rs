//! [`RandomContrast`].

use super::{ValueRange, draw, image};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, Workspace, settings_checks},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// In training, each image gets more contrast or less: `y = clip((x - mean) * f + mean, low, high)` with an `f` that is drawn
/// for the image, the mean of each channel over its pixels, and the ends of `value_range`. At inference, `y = x`.
///
/// # Shapes
/// `[batch, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_contrast/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomContrast {
    /// `[less, more]`, where `f` is drawn from `1 - less` to `1 + more`, or one number for both, as Keras documents it. `less`
    /// from 0 to 1, `more` from 0.
    pub factor: ContrastFactor,
    /// What pixels may be.
    #[serde(default)]
    #[schema(value_type = Vec<f64>)]
    pub value_range: ValueRange,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// How much less and more contrast there may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a number, or a list of two")]
pub enum ContrastFactor {
    /// As much of both.
    Both(f64),
    /// Less, and more.
    Each([f64; 2]),
}

impl ContrastFactor {
    fn each(self) -> [f64; 2] {
        match self {
            Self::Both(factor) => [factor; 2],
            Self::Each(each) => each,
        }
    }

    /// The least factor and the largest.
    fn range(self) -> [f64; 2] {
        let [less, more] = self.each();
        [1.0 - less, 1.0 + more]
    }
}

impl RandomContrast {
    /// An image of `factor` times the contrast; `means` are those of its channels.
    fn seen<F: Real>(&self, factor: F, x: &[F], means: &mut [F], y: &mut [F]) {
        average(x, means);
        for (y, x) in y.chunks_exact_mut(means.len()).zip(x.chunks_exact(means.len())) {
            let cells = y.iter_mut().zip(x).zip(&*means);
            cells.for_each(|((y, &x), &mean)| *y = self.value_range.clip((x - mean) * factor + mean));
        }
    }

    /// The gradient of the image; `sums` are free to overwrite.
    fn gradient<F: Real>(&self, factor: F, (x, means): (&[F], &[F]), dy: &[F], sums: &mut [F], dx: &mut [F]) {
        let channels = means.len();
        for ((dx, x), dy) in dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels)).zip(dy.chunks_exact(channels))
        {
            for (((dx, &x), &dy), &mean) in dx.iter_mut().zip(x).zip(dy).zip(means) {
                *dx = self.value_range.clipped((x - mean) * factor + mean, dy);
            }
        }
        average(dx, sums);
        for dx in dx.chunks_exact_mut(channels) {
            dx.iter_mut().zip(&*sums).for_each(|(dx, &mean)| *dx = *dx * factor + mean * (F::ONE - factor));
        }
    }
}

/// Writes the mean of each channel.
fn average<F: Real>(x: &[F], means: &mut [F]) {
    means.fill(F::ZERO);
    for x in x.chunks_exact(means.len()) {
        means.iter_mut().zip(x).for_each(|(mean, &x)| *mean += x);
    }
    let part = F::of(means.len() as f64 / x.len() as f64);
    means.iter_mut().for_each(|mean| *mean *= part);
}

impl Layer for RandomContrast {
    fn check(&self) -> Result<(), FieldError> {
        let [less, more] = self.factor.each();
        settings_checks::range((0.0..=1.0).contains(&less), "/factor", "a number from 0 to 1 for less contrast", less)?;
        check::not_negative("/factor", more)?;
        self.value_range.check()
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        image(inputs)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let channels = inputs[0].last();
        Workspace { kept_per_row: 1 + channels, scratch: channels, ..Workspace::default() }
    }
}

impl<F: Real> Compute<F> for RandomContrast {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
        if !cx.pass.training {
            return cx.output.copy_from_slice(x);
        }
        let mut random = cx.pass.noise.stream(self.seed, 1);
        let rows = cx.output.chunks_exact_mut(shape.elements()).zip(x.chunks_exact(shape.elements()));
        for ((y, x), kept) in rows.zip(cx.kept.chunks_exact_mut(1 + shape.last())) {
            kept[0] = F::of(draw(self.factor.range(), &mut random));
            let (factor, means) = (kept[0], &mut kept[1..]);
            self.seen(factor, x, means, y);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
        let (cells, sums) = (shape.elements(), &mut cx.scratch[..shape.last()]);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let rows = x.chunks_exact(cells).zip(cx.output_gradient.chunks_exact(cells)).zip(dx.chunks_exact_mut(cells));
        for (((x, dy), dx), kept) in rows.zip(cx.kept.chunks_exact(1 + shape.last())) {
            self.gradient(kept[0], (x, &kept[1..]), dy, sums, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::colored, *};

    #[test]
    fn images_have_as_much_contrast_as_in_keras() {
        for case in colored("random_contrast") {
            let layer: RandomContrast = case.layer();
            let channels = case.x.len() / case.size.iter().product::<usize>();
            let (mut means, mut sums) = (vec![0.0; channels], vec![0.0; channels]);
            let (mut y, mut dx) = (vec![0.0; case.x.len()], vec![0.0; case.x.len()]);
            layer.seen(case.drawn as f32, &case.x, &mut means, &mut y);
            layer.gradient(case.drawn as f32, (&case.x, &means), &case.dy, &mut sums, &mut dx);
            case.assert_close(&y, &dx);
        }
    }

    #[test]
    fn one_number_is_for_less_contrast_and_for_more() {
        assert_eq!(ContrastFactor::Both(0.25).range(), [0.75, 1.25]);
        assert_eq!(ContrastFactor::Each([0.25, 2.0]).range(), [0.75, 3.0]);
    }
}
