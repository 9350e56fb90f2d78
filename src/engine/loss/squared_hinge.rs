//! [`SquaredHinge`].

use super::{Cellwise, Learns, Objective, Rows, hinge::side};
use crate::engine::real::Real;

/// `mean max(1 - t y, 0)^2` for targets that are -1 or 1; a target of 0 is taken for -1, see [`super::Hinge`].
///
/// Source: <https://keras.io/api/losses/hinge_losses/#squaredhinge-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SquaredHinge;

impl Cellwise for SquaredHinge {
    #[inline(always)]
    fn cell<F: Real>(&self, target: F, output: F) -> (F, F) {
        let side = side(target);
        let short = F::ONE - side * output;
        // NaN must take the square, which keeps it.
        if short < F::ZERO { (F::ZERO, F::ZERO) } else { (short * short, -(short + short) * side) }
    }
}

impl<F: Real> Objective<F> for SquaredHinge {
    fn learns(&self) -> Learns {
        Learns::Sides
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_cells(self, gradient)
    }
}
