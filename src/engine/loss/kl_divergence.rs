//! [`KlDivergence`].

use super::{EPSILON, Objective, RowLoss, Rows, TargetKind};
use crate::engine::real::Real;

/// `sum t_i ln(t_i / p_i)` over the classes, where t and p are clipped to 1e-7..1.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#kldivergence-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KlDivergence;

impl RowLoss for KlDivergence {
    #[inline(always)]
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F {
        targets.iter().zip(output).map(|(&target, &output)| class(target, output).0).sum()
    }
}

impl<F: Real> Objective<F> for KlDivergence {
    fn target_kind(&self) -> TargetKind {
        TargetKind::Probabilities
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let mut loss = F::ZERO;
                for ((gradient, &target), &output) in gradient.iter_mut().zip(targets).zip(output) {
                    let (part, derivative) = class(target, output);
                    loss += part;
                    *gradient = scale * derivative;
                }
                loss
            },
        )
    }
}

/// The term of a class, and its derivative.
#[inline(always)]
fn class<F: Real>(target: F, output: F) -> (F, F) {
    let min = F::of(EPSILON);
    let clip = |share: F| if share < min { min } else { share.minimum_or_nan(F::ONE) };
    let (t, p) = (clip(target), clip(output));
    (t * (t / p).ln(), if p == output { -t / p } else { F::ZERO })
}
