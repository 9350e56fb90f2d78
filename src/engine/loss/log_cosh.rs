//! [`LogCosh`].

use super::{ElementwiseLoss, Objective, Rows};
use crate::engine::real::Real;

/// With e = y - t: `mean ln(cosh(e))`, about `e^2 / 2` for small errors and `|e| - ln(2)` for large ones.
///
/// Source: <https://keras.io/api/losses/regression_losses/#logcosh-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCosh;

impl ElementwiseLoss for LogCosh {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let error = output - target;
        let loss = error + (-(error + error)).softplus() - F::of(std::f64::consts::LN_2);
        (loss, error.tanh())
    }
}

impl<F: Real> Objective<F> for LogCosh {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
