//! [`CategoricalHinge`].

use super::{Objective, RowLoss, Rows, TargetKind};
use crate::engine::real::Real;

/// `max(1 + max_i (1 - t_i) y_i - sum t_i y_i, 0)`.
///
/// If several classes have that maximum, its derivative is divided among them.
///
/// Source: <https://keras.io/api/losses/hinge_losses/#categoricalhinge-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoricalHinge;

impl RowLoss for CategoricalHinge {
    #[inline(always)]
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F {
        let loss = margin_violation(targets, output).0;
        if loss < F::ZERO { F::ZERO } else { loss }
    }
}

impl<F: Real> Objective<F> for CategoricalHinge {
    fn target_kind(&self) -> TargetKind {
        TargetKind::Probabilities
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let (loss, largest) = margin_violation(targets, output);
                if loss < F::ZERO {
                    gradient.fill(F::ZERO);
                    return F::ZERO;
                }
                let elements = || targets.iter().zip(output);
                let leads = |target: F, output: F| (F::ONE - target) * output == largest;
                let leaders = elements().filter(|&(&target, &output)| leads(target, output)).count();
                let share = F::ONE / F::of(leaders as f64);
                for (gradient, (&target, &output)) in gradient.iter_mut().zip(elements()) {
                    let wrong = if leads(target, output) { (F::ONE - target) * share } else { F::ZERO };
                    *gradient = scale * (wrong - target);
                }
                loss
            },
        )
    }
}

/// The loss before it is clipped at 0, and the largest wrong output.
#[inline(always)]
fn margin_violation<F: Real>(targets: &[F], output: &[F]) -> (F, F) {
    let (mut largest, mut right) = (F::of(f64::NEG_INFINITY), F::ZERO);
    for (&target, &output) in targets.iter().zip(output) {
        largest = largest.maximum((F::ONE - target) * output);
        right += target * output;
    }
    (largest - right + F::ONE, largest)
}
