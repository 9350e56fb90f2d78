//! Initializers: Keras's names and arithmetic.

use crate::engine::{real::Real, shape::Shape};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How a parameter gets its first values. A name (`"he_normal"`) or settings (`{"type": "constant", "value": 0.1}`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "to be documented with formulas")]
pub enum Initializer {
    Zeros,
    Ones,
    GlorotUniform,
}

impl Initializer {
    /// Fills `values`, a tensor of `shape`, row-major.
    pub fn fill<F: Real>(&self, _shape: &Shape, _values: &mut [F], _random: &mut ChaCha8Rng) {
        todo!()
    }
}
