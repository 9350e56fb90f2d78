//! [`Dice`].

use super::{
    BatchSums, EPSILON, Objective, Rows, TargetKind,
    overlap::{Overlap, OverlapLoss, check_axis},
};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// `1 - 2 sum t y / (sum t + sum y + 1e-7)`, over the whole batch, or over each row with `axis` -1.
///
/// The loss of a whole batch is one number, times the mean of the sample weights; as in Keras, masked steps are
/// included.
///
/// Source: <https://keras.io/api/losses/segmentation_losses/#dice-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dice {
    /// -1 for each row, null for the whole batch.
    pub axis: Option<i64>,
}

impl OverlapLoss for Dice {
    fn axis(&self) -> Option<i64> {
        self.axis
    }

    #[inline(always)]
    fn overlap<F: Real>(&self, targets: F, outputs: F, both: F) -> Overlap<F> {
        let all = targets + outputs + F::of(EPSILON);
        let share = F::of(2.0) * both / all;
        Overlap { loss: F::ONE - share, by_outputs: share / all, by_both: -F::of(2.0) / all }
    }
}

impl<F: Real> Objective<F> for Dice {
    fn check(&self) -> Result<(), FieldError> {
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
