//! [`Celu`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = x` where x > 0, else `alpha * (exp(x / alpha) - 1)`.
///
/// Source: <https://keras.io/api/layers/activations/#celu-function>, <https://arxiv.org/abs/1704.07483>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Celu {
    /// Scale of the negative part, more than 0.
    pub alpha: f64,
}

impl Default for Celu {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl<F: Real> Function<F> for Celu {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/alpha", self.alpha)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let alpha = F::of(self.alpha);
        map(
            x,
            #[inline(always)]
            |x| if x > F::ZERO { x } else { alpha * (x / alpha).exp_m1() },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        let alpha = F::of(self.alpha);
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO { F::ONE } else { y / alpha + F::ONE },
        );
    }
}
