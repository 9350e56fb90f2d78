//! [`Reciprocal`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = 1 / x`
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#reciprocal-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reciprocal {}

layer_of_cells!(Reciprocal);

impl CellFunction for Reciprocal {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        F::ONE / x
    }

    #[inline(always)]
    fn slope<F: Real>(&self, _: F, y: F) -> F {
        -y * y
    }
}
