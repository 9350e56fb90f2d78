//! [`Huber`].

use super::{ElementwiseLoss, Objective, Rows};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// With e = y - t: `mean e^2 / 2` where |e| <= delta, else `delta |e| - delta^2 / 2`.
///
/// Source: <https://keras.io/api/losses/regression_losses/#huber-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Huber {
    /// Error at which the loss changes from quadratic to linear, more than 0.
    pub delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

impl ElementwiseLoss for Huber {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let (delta, half) = (F::of(self.delta), F::of(0.5));
        let error = output - target;
        let size = error.abs();
        let square = (half * error * error, error);
        let line = (delta * size - half * delta * delta, delta * error.sign());
        // The quadratic branch keeps NaN.
        if size > delta { line } else { square }
    }
}

impl<F: Real> Objective<F> for Huber {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/delta", self.delta)
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
