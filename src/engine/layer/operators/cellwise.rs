//! [`CellFunction`].

use crate::engine::{
    field::FieldError,
    kernel::vectorized,
    layer::{Backward, Forward},
    real::Real,
};

/// A function of each element. [`layer_of_cells`] makes a layer of it.
pub(super) trait CellFunction {
    /// See [`Layer::check`](crate::engine::layer::Layer::check).
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// What becomes of an element.
    fn of<F: Real>(&self, x: F) -> F;
    /// The derivative at `x`, of which `y` was made.
    fn slope<F: Real>(&self, x: F, y: F) -> F;
}

/// Writes `y = f(x)`.
#[inline(always)]
pub(super) fn forward<F: Real>(function: &impl CellFunction, cx: &mut Forward<'_, F>) {
    let (x, y) = (cx.inputs.get(0), &mut *cx.output);
    vectorized(
        #[inline(always)]
        || y.iter_mut().zip(x).for_each(|(y, &x)| *y = function.of(x)),
    );
}

/// Writes `dx = dy * f'(x)`.
#[inline(always)]
pub(super) fn backward<F: Real>(function: &impl CellFunction, cx: &mut Backward<'_, F>) {
    let (x, y, dy) = (cx.inputs.get(0), cx.output, &*cx.output_gradient);
    let Some(dx) = cx.input_gradients.get(0) else { return };
    vectorized(
        #[inline(always)]
        || {
            for ((dx, &dy), (&x, &y)) in dx.iter_mut().zip(dy).zip(x.iter().zip(y)) {
                *dx = dy * function.slope(x, y);
            }
        },
    );
}

/// The layer that a [`CellFunction`] is: any shape, unchanged, with its mask.
macro_rules! layer_of_cells {
    ($function:ident) => {
        impl crate::engine::layer::Layer for $function {
            fn check(&self) -> Result<(), crate::engine::field::FieldError> {
                super::cellwise::CellFunction::check(self)
            }

            fn output_shape(
                &self,
                inputs: &[crate::engine::shape::Shape],
            ) -> Result<crate::engine::shape::Shape, crate::engine::field::FieldError> {
                Ok(inputs[0].clone())
            }

            fn input_scale(&self) -> crate::engine::layer::InputScale {
                crate::engine::layer::InputScale::Raw
            }

            fn mask(
                &self,
                _: &[crate::engine::shape::Shape],
                _: &[Option<crate::engine::shape::Shape>],
            ) -> crate::engine::layer::MaskRule {
                crate::engine::layer::MaskRule::Pass(0)
            }
        }

        impl<F: crate::engine::real::Real> crate::engine::layer::Compute<F> for $function {
            fn forward(&self, cx: &mut crate::engine::layer::Forward<'_, F>) {
                super::cellwise::forward(self, cx);
            }

            fn backward(&self, cx: &mut crate::engine::layer::Backward<'_, F>) {
                super::cellwise::backward(self, cx);
            }
        }
    };
}

pub(super) use layer_of_cells;
