//! [`HardSigmoid`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = slope * x + 0.5`, clipped to 0..1.
///
/// Keras 3 has the slope 1/6, Keras 2 the slope 0.2.
///
/// Source: <https://keras.io/api/layers/activations/#hardsigmoid-function>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HardSigmoid {
    /// Slope, more than 0.
    pub slope: f64,
}

impl Default for HardSigmoid {
    fn default() -> Self {
        Self { slope: KERAS_3 }
    }
}

const KERAS_3: f64 = 1.0 / 6.0;

impl<F: Real> Function<F> for HardSigmoid {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/slope", self.slope)
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        if self.slope == KERAS_3 {
            return map(
                x,
                #[inline(always)]
                |x| hard_sigmoid(x),
            );
        }
        let (slope, half) = (F::of(self.slope), F::of(0.5));
        map(
            x,
            #[inline(always)]
            |x| (slope * x + half).minimum_or_nan(F::ONE).maximum_or_nan(F::ZERO),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        let slope = if self.slope == KERAS_3 { F::ONE / F::of(6.0) } else { F::of(self.slope) };
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y > F::ZERO && y < F::ONE { slope } else { F::ZERO },
        );
    }
}

/// `(x + 3) / 6`, from 0 to 1.
#[inline(always)]
pub(super) fn hard_sigmoid<F: Real>(x: F) -> F {
    let six = F::of(6.0);
    (x + F::of(3.0)).minimum_or_nan(six).maximum_or_nan(F::ZERO) / six
}
