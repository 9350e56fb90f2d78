//! [`Tanh`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = tanh(x)`.
///
/// Source: <https://keras.io/api/layers/activations/#tanh-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tanh;

impl<F: Real> Function<F> for Tanh {
    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x.tanh(),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| F::ONE - y * y,
        );
    }
}
