//! [`LogSigmoid`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = ln(1 / (1 + exp(-x)))`.
///
/// Source: <https://keras.io/api/layers/activations/#logsigmoid-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSigmoid;

impl<F: Real> Function<F> for LogSigmoid {
    fn needs_input(&self) -> bool {
        true
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 0.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| -(-x).softplus(),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| (-x).sigmoid(),
        );
    }
}
