//! [`Relu`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = max(x, 0)`; the derivative at 0 is 0.
///
/// Source: <https://keras.io/api/layers/activations/#relu-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relu;

impl<F: Real> Function<F> for Relu {
    fn forward(&self, x: &mut [F], _width: usize) {
        // Written so that NaN stays NaN.
        map(
            x,
            #[inline(always)]
            |x| if x < F::ZERO { F::ZERO } else { x },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO { F::ONE } else { F::ZERO },
        );
    }
}
