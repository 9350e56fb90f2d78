//! [`MeanAbsolutePercentageError`].

use super::{EPSILON, ElementwiseLoss, Objective, Rows};
use crate::engine::real::Real;

/// `100 mean |t - y| / max(|t|, 1e-7)`; the derivative at 0 is 0.
///
/// Source: <https://keras.io/api/losses/regression_losses/#meanabsolutepercentageerror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanAbsolutePercentageError;

impl ElementwiseLoss for MeanAbsolutePercentageError {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let (error, size) = (output - target, target.abs().maximum(F::of(EPSILON)));
        (F::of(100.0) * (error.abs() / size), F::of(100.0) * error.sign() / size)
    }
}

impl<F: Real> Objective<F> for MeanAbsolutePercentageError {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
