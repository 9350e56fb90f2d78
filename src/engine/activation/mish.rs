//! [`Mish`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = x * tanh(ln(1 + exp(x)))`.
///
/// Source: <https://keras.io/api/layers/activations/#mish-function>, <https://arxiv.org/abs/1908.08681>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mish;

impl<F: Real> Function<F> for Mish {
    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x * x.softplus().tanh(),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| {
                let t = x.softplus().tanh();
                t + x * (F::ONE - t * t) * x.sigmoid()
            },
        );
    }
}
