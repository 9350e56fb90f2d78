//! Losses that are computed from the overlap of targets and outputs, of each row or of the whole batch.

use super::Rows;
use crate::engine::{field::FieldError, real::Real};
use std::ops::AddAssign;

/// Sums over a batch, for a loss of the whole batch. Partial sums may be added.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BatchSums {
    /// Of the targets.
    pub targets: f64,
    /// Of the outputs.
    pub outputs: f64,
    /// Of each target times its output.
    pub both: f64,
    /// Of the sample weights.
    pub weights: f64,
}

impl AddAssign for BatchSums {
    fn add_assign(&mut self, other: Self) {
        self.targets += other.targets;
        self.outputs += other.outputs;
        self.both += other.both;
        self.weights += other.weights;
    }
}

/// The loss and its derivatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overlap<F> {
    pub loss: F,
    /// By the sum of the outputs.
    pub by_outputs: F,
    /// By the sum of each target times its output.
    pub by_both: F,
}

/// A loss of the sums of targets, of outputs, and of each target times its output.
pub(super) trait OverlapLoss {
    /// -1 for the sums of each row, `None` for those of the whole batch.
    fn axis(&self) -> Option<i64>;

    /// The loss of these sums.
    fn overlap<F: Real>(&self, targets: F, outputs: F, both: F) -> Overlap<F>;

    /// The loss of the whole batch times the total weight of its rows; `None` for a loss of rows.
    fn batch_loss(&self, sums: &BatchSums) -> Option<f64> {
        let loss = self.overlap(sums.targets, sums.outputs, sums.both).loss;
        self.axis().is_none().then_some(loss * sums.weights)
    }
}

/// Fails unless the axis is null or -1.
pub(super) fn check_axis(axis: Option<i64>) -> Result<(), FieldError> {
    match axis {
        None | Some(-1) => Ok(()),
        Some(other) => {
            let expected = "null (the whole batch) or -1 (each row)";
            Err(FieldError::new("/axis", format!("expected {expected}, received {other}")))
        }
    }
}

impl<F: Real> Rows<'_, F> {
    /// See [`super::Loss::batch_sums`].
    pub(super) fn batch_sums(&self) -> BatchSums {
        let mut sums = BatchSums::default();
        for (&target, &output) in self.targets.iter().zip(self.output) {
            let (target, output) = (target.to_f64(), output.to_f64());
            sums.targets += target;
            sums.outputs += output;
            sums.both += target * output;
        }
        sums.weights = self.total_weight();
        sums
    }

    /// Total weight of the rows.
    fn total_weight(&self) -> f64 {
        match self.weights {
            Some(weights) => weights.iter().map(|weight| weight.to_f64()).sum(),
            None => (self.output.len() / self.width) as f64,
        }
    }

    /// See [`super::Loss::evaluate`].
    pub(super) fn evaluate_overlap(&self, loss: &impl OverlapLoss, gradient: &mut [F]) -> f64 {
        match loss.axis() {
            None => self.overlap_of_batch(loss, gradient),
            Some(_) => self.overlap_of_rows(loss, gradient),
        }
    }

    fn overlap_of_rows(&self, loss: &impl OverlapLoss, gradient: &mut [F]) -> f64 {
        self.each_row(
            self.width,
            gradient,
            #[inline(always)]
            |targets, outputs, gradient, scale| {
                let (mut all_targets, mut all_outputs, mut both) = (F::ZERO, F::ZERO, F::ZERO);
                for (&target, &output) in targets.iter().zip(outputs) {
                    all_targets += target;
                    all_outputs += output;
                    both += target * output;
                }
                let overlap = loss.overlap(all_targets, all_outputs, both);
                for (gradient, &target) in gradient.iter_mut().zip(targets) {
                    *gradient = scale * (overlap.by_outputs + overlap.by_both * target);
                }
                overlap.loss
            },
        )
    }

    fn overlap_of_batch(&self, loss: &impl OverlapLoss, gradient: &mut [F]) -> f64 {
        let BatchSums { targets, outputs, both, weights } = self.batch;
        let overlap = loss.overlap(targets, outputs, both);
        let scale = self.scale.to_f64() * weights;
        let (by_outputs, by_both) = (F::of(scale * overlap.by_outputs), F::of(scale * overlap.by_both));
        for (gradient, &target) in gradient.iter_mut().zip(self.targets) {
            *gradient = by_outputs + by_both * target;
        }
        overlap.loss * self.total_weight()
    }
}
