//! [`L1`].

use super::Penalty;
use crate::engine::{
    field::FieldError,
    kernel::sum,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `l1 * sum |w|`; the derivative at 0 is 0.
///
/// Source: <https://keras.io/api/layers/regularizers/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct L1 {
    /// The factor, at least 0.
    pub l1: f64,
}

impl Default for L1 {
    fn default() -> Self {
        Self { l1: 0.01 }
    }
}

impl<F: Real> Penalty<F> for L1 {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/l1", self.l1)
    }

    fn penalty(&self, weights: &[F], _: &Shape, _: &mut [F]) -> f64 {
        self.l1
            * sum(
                weights,
                #[inline(always)]
                |w| w.abs(),
            )
    }

    fn add_gradient(&self, weights: &[F], _: &Shape, _: &mut [F], gradient: &mut [F]) {
        let l1 = F::of(self.l1);
        gradient.iter_mut().zip(weights).for_each(|(gradient, &w)| *gradient += l1 * w.sign());
    }
}
