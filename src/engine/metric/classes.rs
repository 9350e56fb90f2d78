//! Counts per class of targets, of predictions, and of both.

use super::{Rows, argmax};
use crate::engine::real::Real;

/// Sums per class: correct predictions, targets, predictions.
pub(super) const SUMS: usize = 3;

/// The sums of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Rows with this target and prediction.
    pub both: f64,
    /// Rows with this target.
    pub targets: f64,
    /// Rows with this prediction.
    pub outputs: f64,
}

/// Number of classes of outputs of this width: 2 for one output.
pub(super) fn classes(width: usize) -> usize {
    width.max(2)
}

/// The sums of each class.
pub(super) fn counts(sums: &[f64]) -> impl Iterator<Item = Counts> + Clone {
    let (classes, _) = sums.as_chunks::<SUMS>();
    classes.iter().map(|&[both, targets, outputs]| Counts { both, targets, outputs })
}

/// Adds one row.
pub(super) fn add(sums: &mut [f64], target: usize, output: usize) {
    let (classes, _) = sums.as_chunks_mut::<SUMS>();
    if target.max(output) >= classes.len() {
        return;
    }
    if let Some([both, targets, _]) = classes.get_mut(target) {
        *targets += 1.0;
        *both += f64::from(u8::from(target == output));
    }
    if let Some([_, _, outputs]) = classes.get_mut(output) {
        *outputs += 1.0;
    }
}

impl<F: Real> Rows<'_, F> {
    /// Target and prediction of each row: the index of the maximum of several outputs, or `is_positive` of one.
    pub(super) fn pairs(&self, is_positive: impl Fn(F) -> bool) -> impl Iterator<Item = (usize, usize)> {
        self.each().map(move |(target, output)| match (target, output) {
            ([target], [output]) => (usize::from(*target != F::ZERO), usize::from(is_positive(*output))),
            _ => (self.class(target), argmax(output)),
        })
    }
}
