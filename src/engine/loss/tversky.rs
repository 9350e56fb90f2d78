//! [`Tversky`].

use super::{
    BatchSums, EPSILON, Objective, Rows, TargetKind,
    overlap::{Overlap, OverlapLoss, check_axis},
};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `1 - b / (b + alpha sum t (1 - y) + beta sum y (1 - t) + 1e-7)` with b = sum t y, over the whole batch, or over each
/// row with `axis` -1, as [`super::Dice`].
///
/// Source: <https://keras.io/api/losses/segmentation_losses/#tversky-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tversky {
    /// Weight of false negatives, at least 0.
    pub alpha: f64,
    /// Weight of false positives, at least 0.
    pub beta: f64,
    /// -1 for each row, null for the whole batch.
    pub axis: Option<i64>,
}

impl Default for Tversky {
    fn default() -> Self {
        Self { alpha: 0.5, beta: 0.5, axis: None }
    }
}

impl OverlapLoss for Tversky {
    fn axis(&self) -> Option<i64> {
        self.axis
    }

    #[inline(always)]
    fn overlap<F: Real>(&self, targets: F, outputs: F, both: F) -> Overlap<F> {
        let (alpha, beta) = (F::of(self.alpha), F::of(self.beta));
        let all = both + alpha * (targets - both) + beta * (outputs - both) + F::of(EPSILON);
        let share = both / all;
        let by_both = (share * (F::ONE - alpha - beta) - F::ONE) / all;
        Overlap { loss: F::ONE - share, by_outputs: share * beta / all, by_both }
    }
}

impl<F: Real> Objective<F> for Tversky {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/alpha", self.alpha)?;
        check::not_negative("/beta", self.beta)?;
        check_axis(self.axis)
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Binary
    }

    fn batch_loss(&self, sums: &BatchSums) -> Option<f64> {
        OverlapLoss::batch_loss(self, sums)
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.evaluate_overlap(self, gradient)
    }
}
