//! [`BinaryFocalCrossentropy`].

use super::{Objective, Rows, TargetKind, binary_crossentropy, outputs_probabilities, power};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// The binary cross-entropy of each element times `(1 - p_t)^gamma`, where `p_t = t p + (1 - t)(1 - p)`: easy examples
/// have little weight.
///
/// With class balancing, each element has the weight `t alpha + (1 - t)(1 - alpha)`. Label smoothing s replaces t by
/// `t (1 - s) + s / 2`.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#binaryfocalcrossentropy-class>,
/// <https://arxiv.org/abs/1708.02002>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryFocalCrossentropy {
    /// Whether to apply `alpha`.
    pub apply_class_balancing: bool,
    /// Weight of the positive class, 0 to 1; the negative class has the weight `1 - alpha`.
    pub alpha: f64,
    /// Focusing parameter, at least 0.
    pub gamma: f64,
    /// Whether outputs are logits.
    pub from_logits: bool,
    /// Label smoothing towards 0.5, 0 to 1.
    pub label_smoothing: f64,
}

impl Default for BinaryFocalCrossentropy {
    fn default() -> Self {
        Self { apply_class_balancing: false, alpha: 0.25, gamma: 2.0, from_logits: false, label_smoothing: 0.0 }
    }
}

impl<F: Real> Objective<F> for BinaryFocalCrossentropy {
    fn check(&self) -> Result<(), FieldError> {
        check::fraction("/alpha", self.alpha)?;
        check::not_negative("/gamma", self.gamma)?;
        check::fraction("/label_smoothing", self.label_smoothing)
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Binary
    }

    /// With `from_logits` outputs are logits even after a sigmoid or softmax, as in Keras.
    fn is_fused_with(&self, last: Activation) -> bool {
        outputs_probabilities(last) && !self.from_logits
    }

    fn probability_activation(&self) -> Option<Activation> {
        Some(Activation::Sigmoid)
    }

    fn expects_logits(&self) -> bool {
        self.from_logits
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        if rows.fused == Some(Activation::Softmax) {
            rows.each_row(
                rows.width,
                gradient,
                #[inline(always)]
                |targets, x, gradient, scale| self.before_softmax(targets, x, gradient, scale),
            )
        } else if rows.fused.is_some() || self.from_logits {
            rows.each_element(
                gradient,
                #[inline(always)]
                |target, x| {
                    let target = binary_crossentropy::smooth(target, self.label_smoothing);
                    let p = x.sigmoid();
                    let crossentropy = binary_crossentropy::from_logit(target, x);
                    self.focus(target, p, p * (F::ONE - p), crossentropy)
                },
            )
        } else {
            rows.each_element(
                gradient,
                #[inline(always)]
                |target, p| {
                    let target = binary_crossentropy::smooth(target, self.label_smoothing);
                    self.focus(target, p, F::ONE, binary_crossentropy::from_probability(target, p))
                },
            )
        }
    }
}

impl BinaryFocalCrossentropy {
    /// A row at the logits of a softmax: as in Keras on TensorFlow, the cross-entropy is that of the logits with a
    /// sigmoid, and `p` in the focal factor is that of the softmax.
    #[inline(always)]
    fn before_softmax<F: Real>(&self, targets: &[F], x: &[F], gradient: &mut [F], scale: F) -> F {
        let (largest, sum) = super::exponentials(x, gradient);
        let (mut loss, mut mean) = (F::ZERO, F::ZERO);
        // The gradient first holds the derivatives by p; the softmax subtracts their mean under p.
        for ((gradient, &target), &x) in gradient.iter_mut().zip(targets).zip(x) {
            let (target, p) = (binary_crossentropy::smooth(target, self.label_smoothing), *gradient / sum);
            let (crossentropy, _) = binary_crossentropy::from_logit(target, x);
            let (part, by_p) = self.focus(target, p, F::ONE, (crossentropy, F::ZERO));
            loss += part;
            mean += by_p * p;
            *gradient = by_p;
        }
        let classes = F::of(x.len() as f64);
        for ((gradient, &target), &x) in gradient.iter_mut().zip(targets).zip(x) {
            let (target, p) = (binary_crossentropy::smooth(target, self.label_smoothing), (x - largest).exp() / sum);
            let (crossentropy, derivative) = binary_crossentropy::from_logit(target, x);
            let (_, by_x) = self.focus(target, p, F::ZERO, (crossentropy, derivative));
            *gradient = scale / classes * (p * (*gradient - mean) + by_x);
        }
        loss / classes
    }

    /// Loss and derivative from those of the cross-entropy and the probability's `slope`.
    #[inline(always)]
    fn focus<F: Real>(&self, target: F, p: F, slope: F, (crossentropy, derivative): (F, F)) -> (F, F) {
        let not = F::ONE - target;
        let miss = F::ONE - (target * p + not * (F::ONE - p));
        let (factor, growth) = power(miss, self.gamma);
        let alpha = F::of(self.alpha);
        let weight = if self.apply_class_balancing { target * alpha + not * (F::ONE - alpha) } else { F::ONE };
        let steer = growth * (not - target) * slope * crossentropy;
        (weight * factor * crossentropy, weight * (steer + factor * derivative))
    }
}
