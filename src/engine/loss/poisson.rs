//! [`Poisson`].

use super::{EPSILON, ElementwiseLoss, Objective, Rows};
use crate::engine::real::Real;

/// `mean (y - t ln(y + 1e-7))`: outputs are rates, more than 0.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#poisson-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poisson;

impl ElementwiseLoss for Poisson {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let rate = output + F::of(EPSILON);
        (output - target * rate.ln(), F::ONE - target / rate)
    }
}

impl<F: Real> Objective<F> for Poisson {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
