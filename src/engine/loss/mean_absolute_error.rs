//! [`MeanAbsoluteError`].

use super::{Objective, Rows};
use crate::engine::real::Real;

/// `mean |y - t|`; the derivative at 0 is 0.
///
/// Source: <https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanAbsoluteError;

impl<F: Real> Objective<F> for MeanAbsoluteError {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_cell(
            gradient,
            #[inline(always)]
            |target, output| {
                let error = output - target;
                (error.abs(), error.sign())
            },
        )
    }
}
