//! [`CategoricalFocalCrossentropy`].

use super::{Objective, Rows, TargetKind, clip_probability, power};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `-sum alpha (1 - p_i)^gamma t_i ln p_i` over the classes: easy examples have little weight.
///
/// From logits p is their softmax. Probabilities are normalized to sum to 1 and clipped to 1e-7 from 0 and 1.
/// Label smoothing s replaces t by `t (1 - s) + s / classes`. Keras's alpha may be a list; here it is one number.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#categoricalfocalcrossentropy-class>,
/// <https://arxiv.org/abs/1708.02002>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CategoricalFocalCrossentropy {
    /// Weight of every class, at least 0.
    pub alpha: f64,
    /// Focusing parameter, at least 0.
    pub gamma: f64,
    /// Whether outputs are logits.
    pub from_logits: bool,
    /// Label smoothing towards a uniform distribution, 0 to 1.
    pub label_smoothing: f64,
}

impl Default for CategoricalFocalCrossentropy {
    fn default() -> Self {
        Self { alpha: 0.25, gamma: 2.0, from_logits: false, label_smoothing: 0.0 }
    }
}

impl<F: Real> Objective<F> for CategoricalFocalCrossentropy {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/alpha", self.alpha)?;
        check::not_negative("/gamma", self.gamma)?;
        check::fraction("/label_smoothing", self.label_smoothing)
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Probabilities
    }

    /// Not with a sigmoid: as in Keras, the loss is computed from probabilities, and fusing a softmax does not change
    /// it.
    fn is_fused_with(&self, last: Activation) -> bool {
        last == Activation::Softmax && !self.from_logits
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
                if logits {
                    self.at_logits(targets, output, gradient, scale)
                } else {
                    self.at_probabilities(targets, output, gradient, scale)
                }
            },
        )
    }
}

impl CategoricalFocalCrossentropy {
    /// The term of a class and its derivative by the class's normalized probability.
    #[inline(always)]
    fn class<F: Real>(&self, target: F, share: F, classes: usize) -> (F, F) {
        let target = target * F::of(1.0 - self.label_smoothing) + F::of(self.label_smoothing / classes as f64);
        let p = clip_probability(share);
        let (factor, growth) = power(F::ONE - p, self.gamma);
        let (weighted, log) = (F::of(self.alpha) * target, p.ln());
        let derivative = weighted * (growth * log - factor / p);
        (-weighted * factor * log, if p == share { derivative } else { F::ZERO })
    }

    #[inline(always)]
    fn at_probabilities<F: Real>(&self, targets: &[F], output: &[F], gradient: &mut [F], scale: F) -> F {
        let mut sum = F::ZERO;
        output.iter().for_each(|&output| sum += output);
        let (mut loss, mut mean) = (F::ZERO, F::ZERO);
        for ((gradient, &target), &output) in gradient.iter_mut().zip(targets).zip(output) {
            let share = output / sum;
            let (part, derivative) = self.class(target, share, targets.len());
            loss += part;
            mean += derivative * share;
            *gradient = derivative;
        }
        gradient.iter_mut().for_each(|gradient| *gradient = scale * (*gradient - mean) / sum);
        loss
    }

    #[inline(always)]
    fn at_logits<F: Real>(&self, targets: &[F], x: &[F], gradient: &mut [F], scale: F) -> F {
        let (largest, sum) = super::exponentials(x, gradient);
        let (mut loss, mut mean) = (F::ZERO, F::ZERO);
        for (gradient, &target) in gradient.iter_mut().zip(targets) {
            let share = *gradient / sum;
            let (part, derivative) = self.class(target, share, targets.len());
            loss += part;
            mean += derivative * share;
            *gradient = derivative * share;
        }
        // The mean over classes is known only now; the probabilities have been overwritten.
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            let share = (x - largest).exp() / sum;
            *gradient = scale * (*gradient - mean * share);
        }
        loss
    }
}
