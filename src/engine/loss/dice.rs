//! [`Dice`].

use super::{EPSILON, Learns, Objective, Rows};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// `1 - 2 sum t y / (sum t + sum y + 1e-7)`, each row of outputs with its own targets.
///
/// That is Keras's `axis=-1`. Keras's default, `axis=None`, is one overlap of a whole batch, which is no sum of what its
/// rows lose; it is refused, so `axis` must be written.
///
/// Source: <https://keras.io/api/losses/segmentation_losses/#dice-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dice {
    /// -1: over a row's cells.
    pub axis: Option<i64>,
}

impl<F: Real> Objective<F> for Dice {
    fn check(&self) -> Result<(), FieldError> {
        check_axis(self.axis)
    }

    fn learns(&self) -> Learns {
        Learns::Yes
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let (mut both, mut all) = (F::ZERO, F::of(EPSILON));
                for (&target, &output) in targets.iter().zip(output) {
                    both += target * output;
                    all += target + output;
                }
                let overlap = F::of(2.0) * both / all;
                for (gradient, &target) in gradient.iter_mut().zip(targets) {
                    *gradient = scale * (overlap - F::of(2.0) * target) / all;
                }
                F::ONE - overlap
            },
        )
    }
}

/// Refuses an overlap of anything but rows.
pub(super) fn check_axis(axis: Option<i64>) -> Result<(), FieldError> {
    match axis {
        Some(-1) => Ok(()),
        Some(other) => Err(FieldError::new("/axis", format!("expected -1, each row's own overlap, received {other}"))),
        None => {
            let detail = "expected -1, each row's own overlap, received null, one overlap of the whole batch";
            Err(FieldError::new("/axis", detail))
        }
    }
}
