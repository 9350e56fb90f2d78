//! [`Power`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `y = x^exponent`, which is no number for an `x` below 0 unless the exponent is a whole number.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#power-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// The exponent.
    pub exponent: f64,
}

layer_of_cells!(Power);

impl CellFunction for Power {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/exponent", self.exponent)
    }

    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        F::of(libm::pow(x.to_f64(), self.exponent))
    }

    #[inline(always)]
    fn slope<F: Real>(&self, x: F, _: F) -> F {
        if self.exponent == 0.0 {
            return F::ZERO;
        }
        F::of(self.exponent * libm::pow(x.to_f64(), self.exponent - 1.0))
    }
}
