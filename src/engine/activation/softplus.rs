//! [`Softplus`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = ln(1 + exp(x))`.
///
/// Source: <https://keras.io/api/layers/activations/#softplus-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softplus;

impl<F: Real> Function<F> for Softplus {
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
            |x| x.softplus(),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| x.sigmoid(),
        );
    }
}
