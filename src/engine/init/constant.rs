//! [`Zeros`], [`Ones`] and [`Constant`].

use super::Fill;
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// All 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zeros;

/// All 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ones;

/// All `value`.
///
/// Source: <https://keras.io/api/layers/initializers/#constant-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Constant {
    /// The number.
    pub value: f64,
}

impl<F: Real> Fill<F> for Zeros {
    fn fill(&self, _shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng) {
        values.fill(F::ZERO);
    }
}

impl<F: Real> Fill<F> for Ones {
    fn fill(&self, _shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng) {
        values.fill(F::ONE);
    }
}

impl<F: Real> Fill<F> for Constant {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/value", self.value)
    }

    fn fill(&self, _shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng) {
        values.fill(F::of(self.value));
    }
}
