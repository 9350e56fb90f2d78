//! [`TanhShrink`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = x - tanh(x)`.
///
/// Source: <https://keras.io/api/layers/activations/#tanhshrink-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TanhShrink;

impl<F: Real> Function<F> for TanhShrink {
    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x - x.tanh(),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| {
                let t = x.tanh();
                t * t
            },
        );
    }
}
