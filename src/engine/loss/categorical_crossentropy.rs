//! [`CategoricalCrossentropy`].

use super::{Objective, RowLoss, Rows, TargetKind, clip_probability, outputs_probabilities};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `-sum t_i ln p_i` over the classes, for targets that are one-hot or probabilities.
///
/// From logits p is their softmax. Probabilities are normalized to sum to 1 and clipped to 1e-7 from 0 and 1.
/// Label smoothing s replaces t by `t (1 - s) + s / classes`.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CategoricalCrossentropy {
    /// Whether outputs are logits.
    pub from_logits: bool,
    /// Label smoothing towards a uniform distribution, 0 to 1.
    pub label_smoothing: f64,
}

impl CategoricalCrossentropy {
    /// The smoothed target.
    #[inline(always)]
    fn smooth<F: Real>(&self, target: F, classes: usize) -> F {
        target * F::of(1.0 - self.label_smoothing) + F::of(self.label_smoothing / classes as f64)
    }
}

impl RowLoss for CategoricalCrossentropy {
    #[inline(always)]
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F {
        let smooth = |target: F| self.smooth(target, targets.len());
        let elements = targets.iter().zip(output);
        if self.from_logits {
            let log_sum = super::log_sum_of_exponentials(output);
            elements.map(|(&target, &x)| smooth(target) * (log_sum - x)).sum()
        } else {
            let all: F = output.iter().copied().sum();
            elements.map(|(&target, &output)| -smooth(target) * clip_probability(output / all).ln()).sum()
        }
    }
}

impl<F: Real> Objective<F> for CategoricalCrossentropy {
    fn check(&self) -> Result<(), FieldError> {
        check::fraction("/label_smoothing", self.label_smoothing)
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Probabilities
    }

    fn is_fused_with(&self, last: Activation) -> bool {
        outputs_probabilities(last)
    }

    fn probability_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }

    fn expects_logits(&self) -> bool {
        self.from_logits
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        let logits = rows.fused.is_some() || self.from_logits;
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let smooth = |target: F| self.smooth(target, targets.len());
                if logits {
                    from_logits(targets, output, gradient, scale, smooth)
                } else {
                    from_probabilities(targets, output, gradient, scale, smooth)
                }
            },
        )
    }
}

#[inline(always)]
fn from_logits<F: Real>(targets: &[F], x: &[F], gradient: &mut [F], scale: F, smooth: impl Fn(F) -> F) -> F {
    let (largest, sum) = super::exponentials(x, gradient);
    let log_sum = sum.ln();
    let (mut loss, mut target_sum) = (F::ZERO, F::ZERO);
    for (&target, &x) in targets.iter().zip(x) {
        let target = smooth(target);
        loss += target * (log_sum - (x - largest));
        target_sum += target;
    }
    let share = target_sum / sum;
    for (gradient, &target) in gradient.iter_mut().zip(targets) {
        *gradient = scale * (*gradient * share - smooth(target));
    }
    loss
}

#[inline(always)]
fn from_probabilities<F: Real>(
    targets: &[F],
    output: &[F],
    gradient: &mut [F],
    scale: F,
    smooth: impl Fn(F) -> F,
) -> F {
    let mut sum = F::ZERO;
    output.iter().for_each(|&output| sum += output);
    let (mut loss, mut mean) = (F::ZERO, F::ZERO);
    for ((gradient, &target), &output) in gradient.iter_mut().zip(targets).zip(output) {
        let share = output / sum;
        let p = clip_probability(share);
        let target = smooth(target);
        loss -= target * p.ln();
        *gradient = if p == share { -target / p } else { F::ZERO };
        mean += *gradient * share;
    }
    gradient.iter_mut().for_each(|gradient| *gradient = scale * (*gradient - mean) / sum);
    loss
}
