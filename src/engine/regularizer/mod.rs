//! L1 and L2 penalties: Keras's names and arithmetic.

use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// A penalty on a parameter, added to the loss. A name (`"l2"`) or settings (`{"type": "l1_l2", "l1": 0.01, "l2": 0.01}`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "to be documented with formulas")]
pub enum Regularizer {
    L1 { l1: f32 },
    L2 { l2: f32 },
    L1L2 { l1: f32, l2: f32 },
}

impl Regularizer {
    /// The penalty of `weights`.
    pub fn penalty<F: Real>(&self, _weights: &[F]) -> f64 {
        todo!()
    }

    /// Adds the penalty's gradient to `gradient`.
    pub fn add_gradient<F: Real>(&self, _weights: &[F], _gradient: &mut [F]) {
        todo!()
    }
}
