//! [`Minimum`].

use super::extremum;
use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, Layer, MaskRule, Origins, Workspace,
        broadcast::{ANY_NUMBER, Whole, broadcast_shape, merged_mask},
        settings_checks,
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = min(x_0, x_1, …)`; of equals, the first one has the gradient. Steps that an input's mask hides are left out.
///
/// # Shapes
/// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
///
/// Source: <https://keras.io/api/layers/merging_layers/minimum/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Minimum {}

impl Layer for Minimum {
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

impl<F: Real> Compute<F> for Minimum {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        extremum::forward(
            cx,
            #[inline(always)]
            |y, x| y.minimum(x),
        );
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        extremum::backward(cx);
    }
}
