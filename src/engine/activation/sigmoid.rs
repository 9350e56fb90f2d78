//! [`Sigmoid`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = 1 / (1 + exp(-x))`.
///
/// Source: <https://keras.io/api/layers/activations/#sigmoid-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sigmoid;

impl<F: Real> Function<F> for Sigmoid {
    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x.sigmoid(),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| y * (F::ONE - y),
        );
    }
}
