//! [`SquaredHinge`].

use super::{ElementwiseLoss, Objective, Rows, TargetKind, hinge::signed_target};
use crate::engine::real::Real;

/// `mean max(1 - t y, 0)^2` for targets of -1 or 1; a target of 0 counts as -1, see [`super::Hinge`].
///
/// Source: <https://keras.io/api/losses/hinge_losses/#squaredhinge-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SquaredHinge;

impl ElementwiseLoss for SquaredHinge {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let signed_target = signed_target(target);
        let margin = F::ONE - signed_target * output;
        // The second branch keeps NaN.
        if margin < F::ZERO { (F::ZERO, F::ZERO) } else { (margin * margin, -(margin + margin) * signed_target) }
    }
}

impl<F: Real> Objective<F> for SquaredHinge {
    fn target_kind(&self) -> TargetKind {
        TargetKind::SignedBinary
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.mean_of_elements(self, gradient)
    }
}
