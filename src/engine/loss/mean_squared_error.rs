//! [`MeanSquaredError`].

use super::{ElementwiseLoss, Objective, Rows};
use crate::engine::real::Real;

/// `mean (y - t)^2`.
///
/// Source: <https://keras.io/api/losses/regression_losses/#meansquarederror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanSquaredError;

impl ElementwiseLoss for MeanSquaredError {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let error = output - target;
        (error * error, error + error)
    }
}

impl<F: Real> Objective<F> for MeanSquaredError {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
