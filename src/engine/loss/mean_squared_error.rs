//! [`MeanSquaredError`].

use super::{Objective, Rows};
use crate::engine::real::Real;

/// `mean (y - t)^2`.
///
/// Source: <https://keras.io/api/losses/regression_losses/#meansquarederror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanSquaredError;

impl<F: Real> Objective<F> for MeanSquaredError {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_cell(
            gradient,
            #[inline(always)]
            |target, output| {
                let error = output - target;
                (error * error, error + error)
            },
        )
    }
}
