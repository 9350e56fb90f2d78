//! [`Multiply`].

use super::{ANY_NUMBER, Whole, broadcast_shape, combine_run, counts, mask_of, mask_of_sequences, write_mask};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Forward, Layer, MaskRule, Values, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = x_0 * x_1 * …`; steps that an input's mask hides are left out of the product, and where every input's mask hides
/// them, `y = 0`.
///
/// # Shapes
/// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
///
/// Source: <https://keras.io/api/layers/merging_layers/multiply/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Multiply {}

/// Whether every input has a mask, and hides this step.
fn hidden<F: Real>(inputs: Values<'_, F>, step: usize) -> bool {
    (0..inputs.len()).all(|input| mask_of(inputs, input).is_some_and(|mask| !counts(Some(mask), step)))
}

/// Multiplies `product`, [rows, whole], by every input but `except`, and sets hidden steps to 0.
fn multiply<F: Real>(inputs: Values<'_, F>, product: &mut [F], except: Option<usize>) {
    let whole = Whole(inputs.shapes());
    let (cells, width) = (whole.cells(), whole.axis(0));
    for input in (0..inputs.len()).filter(|&input| Some(input) != except) {
        let (shape, mask) = (inputs.shape(input), mask_of(inputs, input));
        let rows = product.chunks_exact_mut(cells).zip(inputs.get(input).chunks_exact(shape.cells()));
        for (row, (product, x)) in rows.enumerate() {
            whole.runs(shape, mask.is_some(), |outs, ins| {
                if mask.is_none() || counts(mask, (row * cells + outs.start) / width) {
                    combine_run(
                        &mut product[outs],
                        &x[ins],
                        #[inline(always)]
                        |y, x| y * x,
                    );
                }
            });
        }
    }
    if mask_of(inputs, 0).is_some() {
        for (step, product) in product.chunks_exact_mut(width).enumerate() {
            if hidden(inputs, step) {
                product.fill(F::ZERO);
            }
        }
    }
}

impl Layer for Multiply {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        ANY_NUMBER
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        broadcast_shape(inputs)
    }

    fn mask(&self, inputs: &[Shape], masked: &[bool]) -> MaskRule {
        mask_of_sequences(inputs, masked)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch_per_row: Whole(inputs).cells(), ..Workspace::default() }
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        cx.output.fill(F::ONE);
        multiply(cx.inputs, cx.output, None);
        write_mask(cx);
    }

    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
        let product = &mut cx.scratch[..cx.output.len()];
        for input in 0..inputs.len() {
            let Some(dx) = cx.input_gradients.get(input) else { continue };
            product.copy_from_slice(cx.output_gradient);
            multiply(inputs, product, Some(input));
            whole.hand_back(product, dx, inputs.shape(input), F::ONE);
            if let Some(mask) = mask_of(inputs, input) {
                for (dx, &cell) in dx.chunks_exact_mut(whole.axis(0)).zip(mask) {
                    dx.iter_mut().for_each(|dx| *dx *= cell);
                }
            }
        }
    }
}
