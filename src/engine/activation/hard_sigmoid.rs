//! [`HardSigmoid`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = (x + 3) / 6`, but at least 0 and at most 1.
///
/// Source: <https://keras.io/api/layers/activations/#hardsigmoid-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardSigmoid;

impl<F: Real> Function<F> for HardSigmoid {
    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| hard_sigmoid(x),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO && y < F::ONE { F::ONE / F::of(6.0) } else { F::ZERO },
        );
    }
}

/// `(x + 3) / 6`, from 0 to 1.
#[inline(always)]
pub(super) fn hard_sigmoid<F: Real>(x: F) -> F {
    let six = F::of(6.0);
    (x + F::of(3.0)).minimum_or_nan(six).maximum_or_nan(F::ZERO) / six
}
