//! Penalties on what layers give.

use crate::engine::{real::Real, regularizer::Regularizer};

/// Adds the penalty of these rows' output to `penalty`.
pub(super) fn penalize<F: Real>(regularizer: Option<&Regularizer>, output: &[F], penalty: &mut f64) {
    if let Some(regularizer) = regularizer {
        *penalty += regularizer.penalty(output);
    }
}

/// Adds the penalty's gradient with respect to the output; the loss is its mean over the `batch_rows` of the step.
pub(super) fn add_gradient<F: Real>(
    regularizer: Option<&Regularizer>,
    output: &[F],
    batch_rows: usize,
    gradient: &mut [F],
) {
    if let Some(regularizer) = regularizer {
        regularizer.scaled(1.0 / batch_rows as f64).add_gradient(output, gradient);
    }
}
