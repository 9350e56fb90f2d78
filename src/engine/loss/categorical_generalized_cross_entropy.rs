//! [`CategoricalGeneralizedCrossEntropy`].

use super::{Objective, Rows, TargetKind};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// `(1 - p_t^q) / q` for a target that is the index t of a class: between the cross-entropy (q near 0) and the mean
/// absolute error (q near 1), for noisy labels.
///
/// A target that is no class index has the probability 0.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/>, <https://arxiv.org/abs/1805.07836>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CategoricalGeneralizedCrossEntropy {
    /// Between 0 and 1.
    pub q: f64,
}

impl Default for CategoricalGeneralizedCrossEntropy {
    fn default() -> Self {
        Self { q: 0.5 }
    }
}

impl<F: Real> Objective<F> for CategoricalGeneralizedCrossEntropy {
    fn check(&self) -> Result<(), FieldError> {
        if self.q as f32 > 0.0 && (self.q as f32) < 1.0 {
            return Ok(());
        }
        Err(FieldError::new("/q", format!("expected a number between 0 and 1, received {:?}", self.q)))
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::ClassIndex
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        let q = F::of(self.q);
        rows.each_row(
            1,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let class = targets.first().map_or(usize::MAX, |target| target.to_f64() as usize);
                gradient.fill(F::ZERO);
                let (Some(&p), Some(gradient)) = (output.get(class), gradient.get_mut(class)) else {
                    return F::ONE / q;
                };
                let kept = (q * p.ln()).exp();
                *gradient = -scale * kept / p;
                (F::ONE - kept) / q
            },
        )
    }
}
