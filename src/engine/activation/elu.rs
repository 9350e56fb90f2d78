//! [`Elu`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = x` where x > 0, else `alpha * (exp(x) - 1)`.
///
/// Source: <https://keras.io/api/layers/activations/#elu-function>, <https://arxiv.org/abs/1511.07289>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Elu {
    /// Scale of the negative part, at least 0.
    pub alpha: f64,
}

impl Default for Elu {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl<F: Real> Function<F> for Elu {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/alpha", self.alpha)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let alpha = F::of(self.alpha);
        map(
            x,
            #[inline(always)]
            |x| if x > F::ZERO { x } else { alpha * x.exp_m1() },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        let alpha = F::of(self.alpha);
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO { F::ONE } else { y + alpha },
        );
    }
}
