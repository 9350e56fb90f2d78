//! [`Zeros`], [`Ones`] and [`Constant`].

use super::Fill;
use crate::engine::{
    field::FieldError,
    numbers::Numbers,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// All elements 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zeros;

/// All elements 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ones;

/// All elements `value`; an array is broadcast along the last axes of the parameter.
///
/// Source: <https://keras.io/api/layers/initializers/#constant-class>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Constant {
    /// A number, or an array as nested lists.
    pub value: Numbers,
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
        self.value.check("/value", check::finite)
    }

    fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        self.value.check_broadcast(shape, "/value")
    }

    fn fill(&self, shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng) {
        let places = self.value.places(shape);
        values.iter_mut().enumerate().for_each(|(element, value)| *value = F::of(self.value.at(&places, element)));
    }
}
