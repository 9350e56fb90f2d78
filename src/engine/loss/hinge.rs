//! [`Hinge`].

use super::{Cellwise, Learns, Objective, Rows};
use crate::engine::real::Real;

/// `mean max(1 - t y, 0)` for targets that are -1 or 1; a target of 0 is taken for -1.
///
/// Keras does so where a whole batch has no targets but 0 and 1. The two differ only where 0 stands beside other numbers.
///
/// Source: <https://keras.io/api/losses/hinge_losses/#hinge-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hinge;

impl Cellwise for Hinge {
    #[inline(always)]
    fn cell<F: Real>(&self, target: F, output: F) -> (F, F) {
        let side = side(target);
        let short = F::ONE - side * output;
        // NaN must take the line, which keeps it.
        if short < F::ZERO { (F::ZERO, F::ZERO) } else { (short, -side) }
    }
}

impl<F: Real> Objective<F> for Hinge {
    fn learns(&self) -> Learns {
        Learns::Sides
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_cells(self, gradient)
    }
}

/// The target as a side of zero.
#[inline(always)]
pub(super) fn side<F: Real>(target: F) -> F {
    if target == F::ZERO { -F::ONE } else { target }
}
