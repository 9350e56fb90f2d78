//! The rows that count in a loss: their number, their weights, and the unmasked ones.
//!
//! A loss row is a row of the output's last axis: one per sample, or one per position where the output has more axes.

use super::task::OutputTask;
use crate::engine::real::Real;

/// Number of loss rows of `rows` rows that count: unmasked ones whose class is not ignored.
pub(super) fn count<F: Real>(output: &OutputTask, targets: &[F], mask: Option<&[F]>, rows: usize) -> f64 {
    let all = rows * output.positions;
    let each = mask.map_or(1, |mask| all / mask.len());
    match (output.loss.ignore_class(), mask) {
        (None, None) => all as f64,
        (None, Some(mask)) => mask.iter().map(|element| element.to_f64()).sum::<f64>() * each as f64,
        (Some(ignored), mask) => {
            let ignored = F::of(ignored as f64);
            let is_unmasked = |row: usize| mask.is_none_or(|mask| mask[row / each] != F::ZERO);
            targets.iter().enumerate().filter(|&(row, &class)| class != ignored && is_unmasked(row)).count() as f64
        }
    }
}

/// Total weight of the loss rows whose class is not ignored.
pub(super) fn total_weight<F: Real>(output: &OutputTask, targets: &[F], weights: &[F]) -> f64 {
    let sum = |weights: &mut dyn Iterator<Item = &F>| weights.map(|weight| weight.to_f64()).sum();
    match output.loss.ignore_class() {
        None => sum(&mut weights.iter()),
        Some(ignored) => {
            let ignored = F::of(ignored as f64);
            sum(&mut weights.iter().zip(targets).filter(|(_, class)| **class != ignored).map(|(weight, _)| weight))
        }
    }
}

/// The weight of each loss row: that of its sample, and 0 if it is masked. `None` if there are neither weights nor a
/// mask.
pub(super) fn weights<'w, F: Real>(
    output: &OutputTask,
    row_weights: Option<&[F]>,
    mask: Option<&[F]>,
    rows: usize,
    weights: &'w mut [F],
) -> Option<&'w [F]> {
    if row_weights.is_none() && mask.is_none() {
        return None;
    }
    let weights = &mut weights[..rows * output.positions];
    for (row, weights) in weights.chunks_exact_mut(output.positions).enumerate() {
        weights.fill(row_weights.map_or(F::ONE, |weights| weights[row]));
    }
    if let Some(mask) = mask {
        let each = weights.len() / mask.len();
        for (weights, &element) in weights.chunks_exact_mut(each).zip(mask) {
            weights.iter_mut().for_each(|weight| *weight *= element);
        }
    }
    Some(weights)
}

/// Targets and outputs of the unmasked loss rows, packed into `buffers`.
pub(super) fn unmasked<'w, F: Real>(
    output: &OutputTask,
    targets: &[F],
    values: &[F],
    mask: &[F],
    buffers: &'w mut (Vec<F>, Vec<F>),
) -> (&'w [F], &'w [F]) {
    let (target_elements, elements) = (targets.len() / mask.len(), values.len() / mask.len());
    let mut steps = 0;
    for (step, _) in mask.iter().enumerate().filter(|(_, element)| **element != F::ZERO) {
        let (target, value) = (step * target_elements, step * elements);
        buffers.0[steps * target_elements..][..target_elements]
            .copy_from_slice(&targets[target..target + target_elements]);
        buffers.1[steps * elements..][..elements].copy_from_slice(&values[value..value + elements]);
        steps += 1;
    }
    debug_assert_eq!(elements % output.width, 0, "whole loss rows");
    (&buffers.0[..steps * target_elements], &buffers.1[..steps * elements])
}
