//! [`BinaryCrossentropy`].

use super::{EPSILON, Objective, Rows};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `mean -(t ln p + (1 - t) ln(1 - p))`, each cell a yes or no of its own.
///
/// From logits x: `max(x, 0) - x t + ln(1 + exp(-|x|))`. Probabilities are first kept within 1e-7 of 0 and 1.
/// Label smoothing s replaces t by `t (1 - s) + s / 2`.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryCrossentropy {
    /// Whether the network's output is a logit.
    pub from_logits: bool,
    /// How far labels are moved towards one half, 0 to 1.
    pub label_smoothing: f64,
}

impl<F: Real> Objective<F> for BinaryCrossentropy {
    fn check(&self) -> Result<(), FieldError> {
        check::fraction("/label_smoothing", self.label_smoothing)
    }

    fn absorbs(&self) -> Option<Activation> {
        Some(Activation::Sigmoid)
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        let (stay, shift) = (F::of(1.0 - self.label_smoothing), F::of(0.5 * self.label_smoothing));
        let (least, most) = (F::of(EPSILON), F::of(1.0 - EPSILON));
        if rows.logits || self.from_logits {
            rows.each_cell(
                gradient,
                #[inline(always)]
                |target, x| {
                    let target = target * stay + shift;
                    // One exponential serves the loss and the sigmoid.
                    let small = (-x.abs()).exp();
                    let part = F::ONE / (F::ONE + small);
                    let sigmoid = if x < F::ZERO { small * part } else { part };
                    (x.maximum(F::ZERO) - x * target + small.ln_1p(), sigmoid - target)
                },
            )
        } else {
            rows.each_cell(
                gradient,
                #[inline(always)]
                |target, output| {
                    let target = target * stay + shift;
                    let p = if output < least { least } else { output.minimum_or_nan(most) };
                    let loss = -(target * p.ln() + (F::ONE - target) * (F::ONE - p).ln());
                    let derivative = (F::ONE - target) / (F::ONE - p) - target / p;
                    (loss, if p == output { derivative } else { F::ZERO })
                },
            )
        }
    }
}
