//! [`Selu`].

use super::{Function, chain, map};
use crate::engine::real::Real;

const SCALE: f64 = 1.050_700_987_355_480_5;
const ALPHA: f64 = 1.673_263_242_354_377_2;

/// `f(x) = scale * x` where x > 0, else `scale * alpha * (exp(x) - 1)`, with the constants of the paper.
///
/// Source: <https://keras.io/api/layers/activations/#selu-function>, <https://arxiv.org/abs/1706.02515>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selu;

impl<F: Real> Function<F> for Selu {
    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| if x > F::ZERO { F::of(SCALE) * x } else { F::of(SCALE * ALPHA) * x.exp_m1() },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y < F::ZERO { y + F::of(SCALE * ALPHA) } else { F::of(SCALE) },
        );
    }
}
