//! [`BinaryCrossentropy`].

use super::{ElementwiseLoss, Objective, Rows, TargetKind, clip_probability, outputs_probabilities};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `mean -(t ln p + (1 - t) ln(1 - p))`: each element is a binary label.
///
/// From logits x: `max(x, 0) - x t + ln(1 + exp(-|x|))`. Probabilities are clipped to 1e-7 from 0 and 1.
/// Label smoothing s replaces t by `t (1 - s) + s / 2`.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryCrossentropy {
    /// Whether outputs are logits.
    pub from_logits: bool,
    /// Label smoothing towards 0.5, 0 to 1.
    pub label_smoothing: f64,
}

impl ElementwiseLoss for BinaryCrossentropy {
    #[inline(always)]
    fn element<F: Real>(&self, target: F, output: F) -> (F, F) {
        let target = smooth(target, self.label_smoothing);
        if self.from_logits { from_logit(target, output) } else { from_probability(target, output) }
    }
}

impl<F: Real> Objective<F> for BinaryCrossentropy {
    fn check(&self) -> Result<(), FieldError> {
        check::fraction("/label_smoothing", self.label_smoothing)
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Binary
    }

    fn is_fused_with(&self, last: Activation) -> bool {
        outputs_probabilities(last)
    }

    fn probability_activation(&self) -> Option<Activation> {
        Some(Activation::Sigmoid)
    }

    fn expects_logits(&self) -> bool {
        self.from_logits
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        if rows.fused.is_some() || self.from_logits {
            rows.mean_of_elements(&Self { from_logits: true, ..*self }, gradient)
        } else {
            rows.mean_of_elements(&Self { from_logits: false, ..*self }, gradient)
        }
    }
}

/// The smoothed target.
#[inline(always)]
pub(super) fn smooth<F: Real>(target: F, label_smoothing: f64) -> F {
    target * F::of(1.0 - label_smoothing) + F::of(0.5 * label_smoothing)
}

/// Loss and derivative at a logit.
#[inline(always)]
pub(super) fn from_logit<F: Real>(target: F, x: F) -> (F, F) {
    // One exponential serves the loss and the sigmoid.
    let small = (-x.abs()).exp();
    let part = F::ONE / (F::ONE + small);
    let sigmoid = if x < F::ZERO { small * part } else { part };
    (x.maximum(F::ZERO) - x * target + small.ln_1p(), sigmoid - target)
}

/// Loss and derivative at a probability.
#[inline(always)]
pub(super) fn from_probability<F: Real>(target: F, output: F) -> (F, F) {
    let p = clip_probability(output);
    let loss = -(target * p.ln() + (F::ONE - target) * (F::ONE - p).ln());
    let derivative = (F::ONE - target) / (F::ONE - p) - target / p;
    (loss, if p == output { derivative } else { F::ZERO })
}
