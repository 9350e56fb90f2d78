//! [`Where`].

use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, InputScale, Layer, Workspace,
        broadcast::{Whole, broadcast_shape},
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = x_1` where `x_0` is not 0, else `x_2`; the gradient of `x_0` is 0.
///
/// # Shapes
/// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
///
/// Source: <https://keras.io/api/ops/numpy/#where-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Where {}

impl Layer for Where {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        3..=3
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        broadcast_shape(inputs)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch_per_row: 2 * Whole(inputs).elements(), ..Workspace::default() }
    }
}

impl<F: Real> Compute<F> for Where {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
        let (condition, rest) = cx.scratch.split_at_mut(cx.output.len());
        let chosen = &mut rest[..cx.output.len()];
        let stretched = [&mut *condition, &mut *chosen, &mut *cx.output];
        for (input, stretched) in stretched.into_iter().enumerate() {
            whole.combine(stretched, inputs.get(input), inputs.shape(input), |_, x| x);
        }
        for (y, (condition, &chosen)) in cx.output.iter_mut().zip(condition.iter().zip(&*chosen)) {
            *y = if *condition != F::ZERO { chosen } else { *y };
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
        let (condition, rest) = cx.scratch.split_at_mut(cx.output.len());
        let part = &mut rest[..cx.output.len()];
        whole.combine(condition, inputs.get(0), inputs.shape(0), |_, x| x);
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.fill(F::ZERO);
        }
        for (input, holds) in [(1, true), (2, false)] {
            let Some(dx) = cx.input_gradients.get(input) else { continue };
            for (part, (condition, &dy)) in part.iter_mut().zip(condition.iter().zip(&*cx.output_gradient)) {
                *part = if (*condition != F::ZERO) == holds { dy } else { F::ZERO };
            }
            whole.hand_back(part, dx, inputs.shape(input), F::ONE);
        }
    }
}
