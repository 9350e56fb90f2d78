//! [`Tversky`].

use super::{EPSILON, Learns, Objective, Rows, dice::check_axis};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `1 - b / (b + alpha sum t (1 - y) + beta sum y (1 - t) + 1e-7)` with b = sum t y, each row of outputs with its own targets.
///
/// That is Keras's `axis=-1`; its default, one overlap of a whole batch, is refused as [`super::Dice`] does.
///
/// Source: <https://keras.io/api/losses/segmentation_losses/#tversky-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tversky {
    /// What a target that the output missed weighs, 0 or more.
    pub alpha: f64,
    /// What an output without a target weighs, 0 or more.
    pub beta: f64,
    /// -1: over a row's cells.
    pub axis: Option<i64>,
}

impl Default for Tversky {
    fn default() -> Self {
        Self { alpha: 0.5, beta: 0.5, axis: None }
    }
}

impl<F: Real> Objective<F> for Tversky {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/alpha", self.alpha)?;
        check::not_negative("/beta", self.beta)?;
        check_axis(self.axis)
    }

    fn learns(&self) -> Learns {
        Learns::Yes
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        let (alpha, beta) = (F::of(self.alpha), F::of(self.beta));
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let (mut both, mut missed, mut mistaken) = (F::ZERO, F::ZERO, F::ZERO);
                for (&target, &output) in targets.iter().zip(output) {
                    both += target * output;
                    missed += target * (F::ONE - output);
                    mistaken += output * (F::ONE - target);
                }
                let all = both + missed * alpha + mistaken * beta + F::of(EPSILON);
                let overlap = both / all;
                for (gradient, &target) in gradient.iter_mut().zip(targets) {
                    let growth = target - alpha * target + beta * (F::ONE - target);
                    *gradient = scale * (overlap * growth - target) / all;
                }
                F::ONE - overlap
            },
        )
    }
}
