//! [`SparsePlus`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = (x + 1)^2 / 4` from -1 to 1, 0 below and x above.
///
/// Source: <https://keras.io/api/layers/activations/#sparseplus-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparsePlus;

impl<F: Real> Function<F> for SparsePlus {
    fn needs_input(&self) -> bool {
        true
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| {
                let near = F::of(0.25) * (x + F::ONE) * (x + F::ONE);
                let low = if x <= -F::ONE { F::ZERO } else { near };
                if x >= F::ONE { x } else { low }
            },
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| (F::of(0.5) * (x + F::ONE)).minimum_or_nan(F::ONE).maximum_or_nan(F::ZERO),
        );
    }
}
