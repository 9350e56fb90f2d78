//! [`Swish`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = x * sigmoid(x)`, also known as SiLU.
///
/// Source: <https://keras.io/api/layers/activations/#silu-function>, <https://arxiv.org/abs/1710.05941>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swish;

impl<F: Real> Function<F> for Swish {
    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x * x.sigmoid(),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| {
                let s = x.sigmoid();
                s * (F::ONE + x * (F::ONE - s))
            },
        );
    }
}
