//! [`L1L2`].

use super::{L1, L2, Penalty, Regularizer};
use crate::engine::{field::FieldError, real::Real, shape::Shape};
use serde::{Deserialize, Serialize};

/// `l1 * sum |w| + l2 * sum w^2`. Both factors are 0 unless given, as in Keras's class.
///
/// Source: <https://keras.io/api/layers/regularizers/>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct L1L2 {
    /// The factor of the absolute values, at least 0.
    pub l1: f64,
    /// The factor of the squares, at least 0.
    pub l2: f64,
}

impl L1L2 {
    /// The same penalty divided by the number of rows.
    pub(crate) fn divided_by(self, rows: usize) -> Regularizer {
        Regularizer::L1L2(Self { l1: self.l1 / rows as f64, l2: self.l2 / rows as f64 })
    }

    fn parts(&self) -> (L1, L2) {
        (L1 { l1: self.l1 }, L2 { l2: self.l2 })
    }
}

impl<F: Real> Penalty<F> for L1L2 {
    fn check(&self) -> Result<(), FieldError> {
        let (l1, l2) = self.parts();
        Penalty::<F>::check(&l1).and_then(|()| Penalty::<F>::check(&l2))
    }

    fn penalty(&self, weights: &[F], shape: &Shape, scratch: &mut [F]) -> f64 {
        let (l1, l2) = self.parts();
        l1.penalty(weights, shape, scratch) + l2.penalty(weights, shape, scratch)
    }

    fn add_gradient(&self, weights: &[F], shape: &Shape, scratch: &mut [F], gradient: &mut [F]) {
        let (l1, l2) = self.parts();
        l1.add_gradient(weights, shape, scratch, gradient);
        l2.add_gradient(weights, shape, scratch, gradient);
    }
}
