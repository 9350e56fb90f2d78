//! Dropout of whole channels.

use super::threshold;
use crate::engine::{
    layer::{Backward, Forward},
    real::Real,
};
use rand::Rng;

/// Drops each channel of each row with probability `rate`; the factor of each is kept.
pub(super) fn forward<F: Real>(cx: &mut Forward<'_, F>, rate: f64, seed: Option<u64>) {
    let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
    if !cx.pass.training {
        cx.output.copy_from_slice(x);
        return;
    }
    let (channels, cells) = (shape.last(), shape.elements());
    let mut random = cx.pass.noise.stream(seed, channels);
    let (threshold, scale) = (threshold(rate), F::of(1.0 / (1.0 - rate)));
    let rows = cx.output.chunks_exact_mut(cells).zip(x.chunks_exact(cells));
    for ((y, x), factors) in rows.zip(cx.kept.chunks_exact_mut(channels)) {
        factors.fill_with(|| if random.next_u32() >= threshold { scale } else { F::ZERO });
        for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
            y.iter_mut().zip(x).zip(&*factors).for_each(|((y, &x), &factor)| *y = x * factor);
        }
    }
}

/// Scales each channel's gradient as its elements were.
pub(super) fn backward<F: Real>(cx: &mut Backward<'_, F>) {
    let shape = cx.inputs.shape(0);
    let (channels, cells) = (shape.last(), shape.elements());
    let Some(dx) = cx.input_gradients.get(0) else { return };
    let rows = dx.chunks_exact_mut(cells).zip(cx.output_gradient.chunks_exact(cells));
    for ((dx, dy), factors) in rows.zip(cx.kept.chunks_exact(channels)) {
        for (dx, dy) in dx.chunks_exact_mut(channels).zip(dy.chunks_exact(channels)) {
            dx.iter_mut().zip(dy).zip(factors).for_each(|((dx, &dy), &factor)| *dx = dy * factor);
        }
    }
}
