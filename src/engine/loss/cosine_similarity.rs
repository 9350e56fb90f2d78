//! [`CosineSimilarity`].

use super::{EPSILON, Objective, RowLoss, Rows};
use crate::engine::real::Real;

/// `-sum t_i y_i / (|t| |y|)`: -1 for the same direction, 1 for the opposite direction.
///
/// The minimum norm is 1e-7. The metric of this name has the opposite sign.
///
/// Source: <https://keras.io/api/losses/regression_losses/#cosinesimilarity-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CosineSimilarity;

impl RowLoss for CosineSimilarity {
    #[inline(always)]
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F {
        let (t, y) = (inverse_norm(targets), inverse_norm(output));
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
                let (t, y) = (inverse_norm(targets), inverse_norm(output));
                // Below the minimum norm the divisor is constant.
                let pull = if y < F::of(1.0 / EPSILON) { loss * y } else { F::ZERO };
                for ((gradient, &target), &output) in gradient.iter_mut().zip(targets).zip(output) {
                    *gradient = -scale * y * (target * t + output * pull);
                }
                loss
            },
        )
    }
}

/// One over the norm of a row.
#[inline(always)]
fn inverse_norm<F: Real>(elements: &[F]) -> F {
    let squares: F = elements.iter().map(|&element| element * element).sum();
    (F::ONE / squares.sqrt()).minimum_or_nan(F::of(1.0 / EPSILON))
}
