//! [`L2`].

use super::Penalty;
use crate::engine::{
    field::FieldError,
    kernel::sum,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `l2 * sum w^2`.
///
/// Source: <https://keras.io/api/layers/regularizers/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct L2 {
    /// The factor, at least 0.
    pub l2: f64,
}

impl Default for L2 {
    fn default() -> Self {
        Self { l2: 0.01 }
    }
}

impl<F: Real> Penalty<F> for L2 {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/l2", self.l2)
    }

    fn penalty(&self, weights: &[F], _: &Shape, _: &mut [F]) -> f64 {
        self.l2
            * sum(
                weights,
                #[inline(always)]
                |w| w * w,
            )
    }

    fn add_gradient(&self, weights: &[F], _: &Shape, _: &mut [F], gradient: &mut [F]) {
        let twice = F::of(2.0 * self.l2);
        gradient.iter_mut().zip(weights).for_each(|(gradient, &w)| *gradient += twice * w);
    }
}
