//! [`Relu6`].

use super::{Function, chain, map};
use crate::engine::real::Real;

const MAX: f64 = 6.0;

/// `f(x) = x`, clipped to 0..6; the derivative at 0 and 6 is 0.
///
/// Source: <https://keras.io/api/layers/activations/#relu6-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relu6;

impl<F: Real> Function<F> for Relu6 {
    fn range(&self) -> (f64, f64) {
        (0.0, 6.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x.minimum_or_nan(F::of(MAX)).maximum_or_nan(F::ZERO),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO && y < F::of(MAX) { F::ONE } else { F::ZERO },
        );
    }
}
