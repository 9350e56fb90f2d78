//! [`RandomBrightness`].

use super::{Factor, ValueRange, draw, image};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// In training, each image becomes brighter or darker: `y = clip(x + d * (high - low), low, high)` with a `d` that is drawn
/// for the image, and the ends of `value_range`. At inference, `y = x`.
///
/// # Shapes
/// `[batch, height, width, channels]`, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_brightness/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomBrightness {
    /// What `d` is drawn from, as a fraction of the range. Each from -1 to 1.
    pub factor: Factor,
    /// What pixels may be.
    #[serde(default)]
    #[schema(value_type = Vec<f64>)]
    pub value_range: ValueRange,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl RandomBrightness {
    /// An image to which `delta` is added.
    fn seen<F: Real>(&self, delta: F, x: &[F], y: &mut [F]) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = self.value_range.clip(x + delta));
    }

    /// The gradient of the image.
    fn gradient<F: Real>(&self, delta: F, x: &[F], dy: &[F], dx: &mut [F]) {
        let cells = dx.iter_mut().zip(x).zip(dy);
        cells.for_each(|((dx, &x), &dy)| *dx = self.value_range.clipped(x + delta, dy));
    }
}

impl Layer for RandomBrightness {
    fn check(&self) -> Result<(), FieldError> {
        self.factor.check("/factor", false)?;
        self.value_range.check()
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        image(inputs)
    }

    fn workspace(&self, _: &[Shape]) -> Workspace {
        Workspace { kept_per_row: 1, ..Workspace::default() }
    }
}

impl<F: Real> Compute<F> for RandomBrightness {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (x, cells) = (cx.inputs.get(0), cx.inputs.shape(0).elements());
        if !cx.pass.training {
            return cx.output.copy_from_slice(x);
        }
        let mut random = cx.pass.noise.stream(self.seed, 1);
        let rows = cx.output.chunks_exact_mut(cells).zip(x.chunks_exact(cells));
        for ((y, x), kept) in rows.zip(cx.kept.iter_mut()) {
            *kept = F::of(draw(self.factor.range(), &mut random) * self.value_range.width());
            self.seen(*kept, x, y);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, cells) = (cx.inputs.get(0), cx.inputs.shape(0).elements());
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let rows = x.chunks_exact(cells).zip(cx.output_gradient.chunks_exact(cells)).zip(dx.chunks_exact_mut(cells));
        for (((x, dy), dx), &kept) in rows.zip(cx.kept.iter()) {
            self.gradient(kept, x, dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::colored, *};

    #[test]
    fn images_are_as_bright_as_in_keras() {
        for case in colored("random_brightness") {
            let layer: RandomBrightness = case.layer();
            let (mut y, mut dx) = (vec![0.0; case.x.len()], vec![0.0; case.x.len()]);
            let delta = (case.drawn * layer.value_range.width()) as f32;
            layer.seen(delta, &case.x, &mut y);
            layer.gradient(delta, &case.x, &case.dy, &mut dx);
            case.assert_close(&y, &dx);
        }
    }
}
