//! What the largest and the smallest element along some axes share.

use super::reduction::View;
use crate::engine::{
    kernel::vectorized,
    layer::{Backward, Forward},
    real::Real,
};

/// Writes the best of each block's lines, element by element; a number that is none is passed on.
#[inline(always)]
pub(super) fn forward<F: Real>(cx: &mut Forward<'_, F>, view: View, better: impl Fn(F, F) -> bool) {
    let (x, y) = (cx.inputs.get(0), &mut *cx.output);
    vectorized(
        #[inline(always)]
        || {
            for (block, y) in x.chunks_exact(view.block()).zip(y.chunks_exact_mut(view.inner)) {
                y.copy_from_slice(&block[..view.inner]);
                for line in block.chunks_exact(view.inner) {
                    y.iter_mut().zip(line).for_each(|(y, &x)| *y = if better(x, *y) || x.is_nan() { x } else { *y });
                }
            }
        },
    );
}

/// Hands the gradient to the elements that are the best, in equal shares.
pub(super) fn backward<F: Real>(cx: &mut Backward<'_, F>, view: View) {
    let share = &mut cx.scratch[..view.inner];
    let Some(dx) = cx.input_gradients.get(0) else { return };
    let blocks = cx.inputs.get(0).chunks_exact(view.block()).zip(dx.chunks_exact_mut(view.block()));
    let outputs = cx.output.chunks_exact(view.inner).zip(cx.output_gradient.chunks_exact(view.inner));
    for ((x, dx), (y, dy)) in blocks.zip(outputs) {
        share.fill(F::ZERO);
        for line in x.chunks_exact(view.inner) {
            for ((share, x), y) in share.iter_mut().zip(line).zip(y) {
                *share += if x == y { F::ONE } else { F::ZERO };
            }
        }
        share.iter_mut().zip(dy).for_each(|(share, &dy)| *share = dy / *share);
        for (dx, x) in dx.chunks_exact_mut(view.inner).zip(x.chunks_exact(view.inner)) {
            for (((dx, x), y), &share) in dx.iter_mut().zip(x).zip(y).zip(&*share) {
                *dx = if x == y { share } else { F::ZERO };
            }
        }
    }
}
