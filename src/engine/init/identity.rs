//! [`Identity`].

use super::{Fill, Stop};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Identity matrix times `gain`. Only for two axes.
///
/// Source: <https://keras.io/api/layers/initializers/#identity-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Factor of the matrix.
    pub gain: f64,
}

impl Default for Identity {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl<F: Real> Fill<F> for Identity {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/gain", self.gain)
    }

    fn axes(&self) -> std::ops::RangeInclusive<usize> {
        2..=2
    }

    fn fill(&self, shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng, _stop: Stop<'_>) {
        values.fill(F::ZERO);
        for (index, row) in values.chunks_exact_mut(shape.last().max(1)).enumerate() {
            if let Some(diagonal) = row.get_mut(index) {
                *diagonal = F::of(self.gain);
            }
        }
    }
}
