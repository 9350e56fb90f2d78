//! [`SparseSigmoid`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = (x + 1) / 2`, clipped to 0..1.
///
/// Source: <https://keras.io/api/layers/activations/#sparsesigmoid-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparseSigmoid;

impl<F: Real> Function<F> for SparseSigmoid {
    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| (F::of(0.5) * (x + F::ONE)).minimum_or_nan(F::ONE).maximum_or_nan(F::ZERO),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO && y < F::ONE { F::of(0.5) } else { F::ZERO },
        );
    }
}
