//! [`Zeros`], [`Ones`] and [`Constant`].

use super::{Fill, Stop, draw};
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
    fn fill(&self, _shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng, _stop: Stop<'_>) {
        values.fill(F::ZERO);
    }
}

impl<F: Real> Fill<F> for Ones {
    fn fill(&self, _shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng, _stop: Stop<'_>) {
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

    fn fill(&self, shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng, stop: Stop<'_>) {
        let places = self.value.places(shape);
        let mut elements = 0..;
        draw::fill(values, stop, || F::of(self.value.at(&places, elements.next().unwrap_or_default())));
    }
}
