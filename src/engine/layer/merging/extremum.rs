//! [`Maximum`] and [`Minimum`].

use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, Layer, MaskRule, Origins, Values, Workspace,
        broadcast::{ANY_NUMBER, Whole, broadcast_shape, combine_run, mask_of, merged_mask, write_mask},
        settings_checks,
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The layer that keeps, of each two elements, what `$better` says.
macro_rules! layers {
    ($($(#[$meta:meta])* $layer:ident, $better:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $layer {}

        impl Layer for $layer {
            fn check(&self) -> Result<(), FieldError> {
                Ok(())
            }

            fn arity(&self) -> RangeInclusive<usize> {
                ANY_NUMBER
            }

            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
                broadcast_shape(inputs)
            }

            fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
                settings_checks::masks_of_steps(inputs, masks)
            }

            fn mask(&self, _: &[Shape], masks: &[Option<Shape>]) -> MaskRule {
                merged_mask(masks)
            }

            fn workspace(&self, inputs: &[Shape]) -> Workspace {
                Workspace { scratch_per_row: Whole(inputs).elements(), ..Workspace::default() }
            }

            fn origins(&self, _: &[Shape]) -> Origins {
                Origins::Merged
            }

            fn uses_masks(&self) -> bool {
                true
            }

            fn merges_masks(&self) -> bool {
                true
            }
        }

        impl<F: Real> Compute<F> for $layer {
            fn forward(&self, cx: &mut Forward<'_, F>) {
                forward(
                    cx,
                    #[inline(always)]
                    |y, x| y.$better(x),
                );
            }

            fn backward(&self, cx: &mut Backward<'_, F>) {
                backward(cx);
            }
        }
    )+};
}

layers! {
    /// `y = max(x_0, x_1, …)`; of equals, the first one has the gradient. Steps that an input's mask hides are left out.
    ///
    /// # Shapes
    /// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
    ///
    /// Source: <https://keras.io/api/layers/merging_layers/maximum/>
    Maximum, maximum;
    /// `y = min(x_0, x_1, …)`; of equals, the first one has the gradient. Steps that an input's mask hides are left out.
    ///
    /// # Shapes
    /// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
    ///
    /// Source: <https://keras.io/api/layers/merging_layers/minimum/>
    Minimum, minimum;
}

/// Whether an input before this one counts in a stretch of the whole.
fn counted_before<F: Real>(inputs: Values<'_, F>, input: usize, row: usize, start: usize) -> bool {
    (0..input).any(|before| Whole(inputs.shapes()).counts(inputs, before, row, start))
}

/// The best of the inputs that count at each step; the first one's where none does.
#[inline(always)]
fn forward<F: Real>(cx: &mut Forward<'_, F>, better: impl Fn(F, F) -> F) {
    let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
    let by_step = (0..inputs.len()).any(|input| mask_of(inputs, input).is_some());
    let cells = whole.elements();
    for input in 0..inputs.len() {
        let shape = inputs.shape(input);
        let rows = cx.output.chunks_exact_mut(cells).zip(inputs.get(input).chunks_exact(shape.elements()));
        for (row, (y, x)) in rows.enumerate() {
            whole.runs(shape, by_step, |outs, ins| {
                let shown = !by_step || whole.counts(inputs, input, row, outs.start);
                let first = input == 0 || (by_step && shown && !counted_before(inputs, input, row, outs.start));
                let (y, x) = (&mut y[outs], &x[ins]);
                if first {
                    combine_run(
                        y,
                        x,
                        #[inline(always)]
                        |_, x| x,
                    );
                } else if shown {
                    combine_run(y, x, &better);
                }
            });
        }
    }
    write_mask(cx);
}

/// Hands each element's gradient to the first input that has the best value there.
fn backward<F: Real>(cx: &mut Backward<'_, F>) {
    let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
    let by_step = (0..inputs.len()).any(|input| mask_of(inputs, input).is_some());
    let cells = whole.elements();
    let taken = &mut cx.scratch[..cx.output.len()];
    for input in 0..inputs.len() {
        let Some(dx) = cx.input_gradients.get(input) else { continue };
        taken.copy_from_slice(cx.output_gradient);
        for other in 0..=input {
            let shape = inputs.shape(other);
            let rows = taken.chunks_exact_mut(cells).zip(cx.output.chunks_exact(cells));
            for (row, ((taken, y), x)) in rows.zip(inputs.get(other).chunks_exact(shape.elements())).enumerate() {
                whole.runs(shape, by_step, |outs, ins| {
                    let shown = !by_step || whole.counts(inputs, other, row, outs.start);
                    let start = outs.start;
                    let (taken, y, x) = (&mut taken[outs.clone()], &y[outs], &x[ins]);
                    if other == input && !shown {
                        // Where nobody counts, the first one is what the output is.
                        let alone = input == 0 && !counted_before(inputs, inputs.len(), row, start);
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
