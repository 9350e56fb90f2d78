//! [`Subtract`].

use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, Layer, MaskRule, Origins,
        broadcast::{broadcast_shape, check_merged_masks, fold, hand_back_sum, merged_mask},
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = x_0 - x_1`
///
/// # Shapes
/// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
///
/// Source: <https://keras.io/api/layers/merging_layers/subtract/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Subtract {}

impl Layer for Subtract {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
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

impl<F: Real> Compute<F> for Subtract {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        fold(
            cx,
            #[inline(always)]
            |y, x| y - x,
        );
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        hand_back_sum(cx, |input| if input == 0 { F::ONE } else { -F::ONE });
    }
}
