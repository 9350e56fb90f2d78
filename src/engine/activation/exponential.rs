//! [`Exponential`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = exp(x)`.
///
/// Source: <https://keras.io/api/layers/activations/#exponential-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exponential;

impl<F: Real> Function<F> for Exponential {
    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x.exp(),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| y,
        );
    }
}
