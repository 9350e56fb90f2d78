//! [`Multiply`].

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

/// Multiplies `product`, [rows, whole], by every input but `except`, and sets hidden steps to 0.
fn multiply<F: Real>(inputs: Values<'_, F>, product: &mut [F], except: Option<usize>) {
    let whole = Whole(inputs.shapes());
    let (cells, width) = (whole.elements(), whole.axis(0));
    for input in (0..inputs.len()).filter(|&input| Some(input) != except) {
        let (shape, mask) = (inputs.shape(input), mask_of(inputs, input));
        let rows = product.chunks_exact_mut(cells).zip(inputs.get(input).chunks_exact(shape.elements()));
        for (row, (product, x)) in rows.enumerate() {
            whole.runs(shape, mask.is_some(), |outs, ins| {
                if mask.is_none() || whole.counts(inputs, input, row, outs.start) {
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
    if (0..inputs.len()).all(|input| mask_of(inputs, input).is_some()) {
        for (run, product) in product.chunks_exact_mut(width).enumerate() {
            let (row, start) = (run * width / cells, run * width % cells);
            if (0..inputs.len()).all(|input| !whole.counts(inputs, input, row, start)) {
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

impl<F: Real> Compute<F> for Multiply {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.fill(F::ONE);
        multiply(cx.inputs, cx.output, None);
        write_mask(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
        let product = &mut cx.scratch[..cx.output.len()];
        for input in 0..inputs.len() {
            let Some(dx) = cx.input_gradients.get(input) else { continue };
            product.copy_from_slice(cx.output_gradient);
            multiply(inputs, product, Some(input));
            whole.hand_back(product, dx, inputs.shape(input), F::ONE);
            if let Some(mask) = mask_of(inputs, input) {
                for (dx, &cell) in dx.chunks_exact_mut(inputs.shape(input).last()).zip(mask) {
                    dx.iter_mut().for_each(|dx| *dx *= cell);
                }
            }
        }
    }
}
