//! [`LeakyRelu`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = x` where x > 0, else `negative_slope * x`; the derivative at 0 is `negative_slope`.
///
/// Source: <https://keras.io/api/layers/activations/#leakyrelu-function>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyRelu {
    /// Slope below 0, at least 0.
    pub negative_slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self { negative_slope: 0.2 }
    }
}

impl<F: Real> Function<F> for LeakyRelu {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/negative_slope", self.negative_slope)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let slope = F::of(self.negative_slope);
        map(
            x,
            #[inline(always)]
            |x| if x > F::ZERO { x } else { slope * x },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        let slope = F::of(self.negative_slope);
        // The slope is not negative, so y has the sign of x, or is 0 for x <= 0.
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO { F::ONE } else { slope },
        );
    }
}
