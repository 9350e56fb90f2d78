//! [`MeanAbsoluteError`].

use super::{ElementwiseLoss, Objective, Rows};
use crate::engine::real::Real;

/// `mean |y - t|`; the derivative at 0 is 0.
///
/// Source: <https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanAbsoluteError;

impl ElementwiseLoss for MeanAbsoluteError {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let error = output - target;
        (error.abs(), error.sign())
    }
}

impl<F: Real> Objective<F> for MeanAbsoluteError {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
