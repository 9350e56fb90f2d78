//! [`Hinge`].

use super::{ElementwiseLoss, Objective, Rows, TargetKind};
use crate::engine::real::Real;

/// `mean max(1 - t y, 0)` for targets of -1 or 1; a target of 0 counts as -1.
///
/// Keras converts 0 to -1 if all targets of a batch are 0 or 1.
///
/// Source: <https://keras.io/api/losses/hinge_losses/#hinge-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hinge;

impl ElementwiseLoss for Hinge {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let signed_target = signed_target(target);
        let margin = F::ONE - signed_target * output;
        // The second branch keeps NaN.
        if margin < F::ZERO { (F::ZERO, F::ZERO) } else { (margin, -signed_target) }
    }
}

impl<F: Real> Objective<F> for Hinge {
    fn target_kind(&self) -> TargetKind {
        TargetKind::SignedBinary
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}

/// The target as -1 or 1.
#[inline(always)]
pub(super) fn signed_target<F: Real>(target: F) -> F {
    if target == F::ZERO { -F::ONE } else { target }
}
