//! [`CosineSimilarity`].

use super::{EPSILON, Objective, Rows, Rowwise};
use crate::engine::real::Real;

/// `-sum t_i y_i / (|t| |y|)`: -1 where a row of outputs points the way of its targets, 1 where it points against them.
///
/// A row shorter than 1e-7 is divided by that instead. The metric of this name is the same without the minus.
///
/// Source: <https://keras.io/api/losses/regression_losses/#cosinesimilarity-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CosineSimilarity;

impl Rowwise for CosineSimilarity {
    #[inline(always)]
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F {
        let (t, y) = (inverse_length(targets), inverse_length(output));
        let cosine: F = targets.iter().zip(output).map(|(&target, &output)| (target * t) * (output * y)).sum();
        -cosine
    }
}

impl<F: Real> Objective<F> for CosineSimilarity {
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let loss = self.row(targets, output);
                let (t, y) = (inverse_length(targets), inverse_length(output));
                // A row divided by a constant turns without a length of its own to keep.
                let pull = if y < F::of(1.0 / EPSILON) { loss * y } else { F::ZERO };
                for ((gradient, &target), &output) in gradient.iter_mut().zip(targets).zip(output) {
                    *gradient = -scale * y * (target * t + output * pull);
                }
                loss
            },
        )
    }
}

/// One over the length of a row.
#[inline(always)]
fn inverse_length<F: Real>(cells: &[F]) -> F {
    let squares: F = cells.iter().map(|&cell| cell * cell).sum();
    (F::ONE / squares.sqrt()).minimum_or_nan(F::of(1.0 / EPSILON))
}
