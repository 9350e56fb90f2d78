//! [`Gelu`].

use super::{Function, chain, map};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

const INVERSE_SQRT_2: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// 1 / sqrt(2 pi)
const NORMAL_DENSITY: f64 = std::f64::consts::FRAC_2_SQRT_PI * INVERSE_SQRT_2 * 0.5;
/// sqrt(2 / pi)
const TANH_SCALE: f64 = std::f64::consts::FRAC_2_SQRT_PI * INVERSE_SQRT_2;
const TANH_CUBIC: f64 = 0.044715;

/// `f(x) = x * P(N <= x)` for a standard normal N: `0.5 x (1 + erf(x / sqrt(2)))`.
///
/// With `approximate`: `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
///
/// Source: <https://keras.io/api/layers/activations/#gelu-function>, <https://arxiv.org/abs/1606.08415>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gelu {
    /// Whether to use the tanh approximation.
    pub approximate: bool,
}

impl<F: Real> Function<F> for Gelu {
    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let half = F::of(0.5);
        if self.approximate {
            map(
                x,
                #[inline(always)]
                |x| half * x * (F::ONE + tanh_argument(x).tanh()),
            );
        } else {
            map(
                x,
                #[inline(always)]
                |x| half * x * (F::ONE + (x * F::of(INVERSE_SQRT_2)).erf()),
            );
        }
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        let half = F::of(0.5);
        if self.approximate {
            chain(
                x,
                gradient,
                #[inline(always)]
                |x| {
                    let t = tanh_argument(x).tanh();
                    let slope = F::of(TANH_SCALE) * (F::ONE + F::of(3.0 * TANH_CUBIC) * x * x);
                    half * (F::ONE + t) + half * x * (F::ONE - t * t) * slope
                },
            );
        } else {
            chain(
                x,
                gradient,
                #[inline(always)]
                |x| {
                    let below = half * (F::ONE + (x * F::of(INVERSE_SQRT_2)).erf());
                    below + x * F::of(NORMAL_DENSITY) * (-half * x * x).exp()
                },
            );
        }
    }
}

#[inline(always)]
fn tanh_argument<F: Real>(x: F) -> F {
    F::of(TANH_SCALE) * (x + F::of(TANH_CUBIC) * x * x * x)
}
