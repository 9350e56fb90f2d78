//! [`HardSilu`].

use super::{Function, chain, hard_sigmoid::hard_sigmoid, map};
use crate::engine::real::Real;

/// `f(x) = x * hard_sigmoid(x)`, also known as hard swish.
///
/// Source: <https://keras.io/api/layers/activations/#hardsilu-function>, <https://arxiv.org/abs/1905.02244>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardSilu;

impl<F: Real> Function<F> for HardSilu {
    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x * hard_sigmoid(x),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| {
                let slope = if x.abs() < F::of(3.0) { F::ONE / F::of(6.0) } else { F::ZERO };
                hard_sigmoid(x) + x * slope
            },
        );
    }
}
