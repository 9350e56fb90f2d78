//! What the largest and the smallest of several inputs share.

use super::{Whole, combine_run, counts, mask_of, write_mask};
use crate::engine::{
    layer::{Backward, Forward, Values},
    real::Real,
};

/// Whether an input before this one counts at a step.
fn counted_before<F: Real>(inputs: Values<'_, F>, input: usize, step: usize) -> bool {
    (0..input).any(|before| counts(mask_of(inputs, before), step))
}

/// The best of the inputs that count at each step; the first one's where none does.
#[inline(always)]
pub(super) fn forward<F: Real>(cx: &mut Forward<'_, F>, better: impl Fn(F, F) -> F) {
    let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
    let by_step = (0..inputs.len()).any(|input| mask_of(inputs, input).is_some());
    let (cells, width) = (whole.cells(), whole.axis(0));
    for input in 0..inputs.len() {
        let (shape, mask) = (inputs.shape(input), mask_of(inputs, input));
        let rows = cx.output.chunks_exact_mut(cells).zip(inputs.get(input).chunks_exact(shape.cells()));
        for (row, (y, x)) in rows.enumerate() {
            whole.runs(shape, by_step, |outs, ins| {
                let step = (row * cells + outs.start) / width;
                let (y, x) = (&mut y[outs], &x[ins]);
                if input == 0 || (by_step && !counted_before(inputs, input, step) && counts(mask, step)) {
                    combine_run(
                        y,
                        x,
                        #[inline(always)]
                        |_, x| x,
                    );
                } else if !by_step || counts(mask, step) {
                    combine_run(y, x, &better);
                }
            });
        }
    }
    write_mask(cx);
}

/// Hands each cell's gradient to the first input that has the best value there.
pub(super) fn backward<F: Real>(cx: &mut Backward<'_, F>) {
    let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
    let by_step = (0..inputs.len()).any(|input| mask_of(inputs, input).is_some());
    let (cells, width) = (whole.cells(), whole.axis(0));
    let taken = &mut cx.scratch[..cx.output.len()];
    for input in 0..inputs.len() {
        let Some(dx) = cx.input_gradients.get(input) else { continue };
        taken.copy_from_slice(cx.output_gradient);
        for other in 0..=input {
            let (shape, mask) = (inputs.shape(other), mask_of(inputs, other));
            let rows = taken.chunks_exact_mut(cells).zip(cx.output.chunks_exact(cells));
            for (row, ((taken, y), x)) in rows.zip(inputs.get(other).chunks_exact(shape.cells())).enumerate() {
                whole.runs(shape, by_step, |outs, ins| {
                    let step = (row * cells + outs.start) / width;
                    let shown = !by_step || counts(mask, step);
                    let (taken, y, x) = (&mut taken[outs.clone()], &y[outs], &x[ins]);
                    if other == input && !shown {
                        // Where nobody counts, the first one is what the output is.
                        let alone = input == 0 && !counted_before(inputs, inputs.len(), step);
                        if !alone {
                            taken.fill(F::ZERO);
                        }
                    } else if shown {
                        let each = x.iter().cycle();
                        for ((taken, &y), &x) in taken.iter_mut().zip(y).zip(each) {
                            if (x == y) != (other == input) {
                                *taken = F::ZERO;
                            }
                        }
                    }
                });
            }
        }
        whole.hand_back(taken, dx, inputs.shape(input), F::ONE);
    }
}
