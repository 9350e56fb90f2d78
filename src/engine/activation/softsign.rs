//! [`Softsign`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = x / (1 + |x|)`.
///
/// Source: <https://keras.io/api/layers/activations/#softsign-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softsign;

impl<F: Real> Function<F> for Softsign {
    fn needs_input(&self) -> bool {
        true
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x / (F::ONE + x.abs()),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| {
                let size = F::ONE + x.abs();
                F::ONE / (size * size)
            },
        );
    }
}
