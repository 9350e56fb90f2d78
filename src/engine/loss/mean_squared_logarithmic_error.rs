//! [`MeanSquaredLogarithmicError`].

use super::{EPSILON, ElementwiseLoss, Objective, Rows};
use crate::engine::real::Real;

/// `mean (ln(1 + y) - ln(1 + t))^2`, where y and t are at least 1e-7.
///
/// Source: <https://keras.io/api/losses/regression_losses/#meansquaredlogarithmicerror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanSquaredLogarithmicError;

impl ElementwiseLoss for MeanSquaredLogarithmicError {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let min = F::of(EPSILON);
        let clipped = output < min;
        let kept = if clipped { min } else { output } + F::ONE;
        let error = kept.ln() - (target.maximum(min) + F::ONE).ln();
        (error * error, if clipped { F::ZERO } else { (error + error) / kept })
    }
}

impl<F: Real> Objective<F> for MeanSquaredLogarithmicError {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
