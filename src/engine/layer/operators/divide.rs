//! [`Divide`].

use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, InputScale, Layer, MaskRule, Workspace,
        broadcast::{Whole, broadcast_shape, check_merged_masks, fold, merged_mask},
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = x_0 / x_1`
///
/// # Shapes
/// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
///
/// Source: <https://keras.io/api/ops/numpy/#divide-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Divide {}

impl Layer for Divide {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        broadcast_shape(inputs)
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        check_merged_masks(inputs, masks)
    }

    fn mask(&self, _: &[Shape], masks: &[Option<Shape>]) -> MaskRule {
        merged_mask(masks)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch_per_row: Whole(inputs).elements(), ..Workspace::default() }
    }
}

impl<F: Real> Compute<F> for Divide {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        fold(
            cx,
            #[inline(always)]
            |y, x| y / x,
        );
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
        let part = &mut cx.scratch[..cx.output.len()];
        // Of both: what the numerator has, dy / x_1.
        part.copy_from_slice(cx.output_gradient);
        whole.combine(
            part,
            inputs.get(1),
            inputs.shape(1),
            #[inline(always)]
            |dy, x| dy / x,
        );
        if let Some(dx) = cx.input_gradients.get(0) {
            whole.hand_back(part, dx, inputs.shape(0), F::ONE);
        }
        if let Some(dx) = cx.input_gradients.get(1) {
            part.iter_mut().zip(cx.output).for_each(|(part, &y)| *part *= y);
            whole.hand_back(part, dx, inputs.shape(1), -F::ONE);
        }
    }
}
