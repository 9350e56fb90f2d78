//! How many rows have each class, were taken for it, and both: what agreement and overlap are made of.

use super::{Rows, largest};
use crate::engine::real::Real;

/// Sums of one class: rows that have it and were taken for it, rows that have it, rows that were taken for it.
pub(super) const SUMS: usize = 3;

/// One class's sums by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Rows that have the class and were taken for it.
    pub both: f64,
    /// Rows that have it.
    pub targets: f64,
    /// Rows that were taken for it.
    pub outputs: f64,
}

/// How many classes outputs of this width tell apart: one output tells two.
pub(super) fn classes(width: usize) -> usize {
    width.max(2)
}

/// The sums of each class.
pub(super) fn counts(cells: &[f64]) -> impl Iterator<Item = Counts> + Clone {
    let (classes, _) = cells.as_chunks::<SUMS>();
    classes.iter().map(|&[both, targets, outputs]| Counts { both, targets, outputs })
}

/// Adds one row.
pub(super) fn add(cells: &mut [f64], target: usize, output: usize) {
    let (classes, _) = cells.as_chunks_mut::<SUMS>();
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
    /// Each row's class, and that which its output says: the largest of several, and of one whether it is a `yes`.
    pub(super) fn pairs(&self, yes: impl Fn(F) -> bool) -> impl Iterator<Item = (usize, usize)> {
        self.each().map(move |(target, output)| match (target, output) {
            ([target], [output]) => (usize::from(*target != F::ZERO), usize::from(yes(*output))),
            _ => (self.class(target), largest(output)),
        })
    }
}
