//! [`Square`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = x²`
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#square-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Square {}

layer_of_cells!(Square);

impl CellFunction for Square {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        x * x
    }

    #[inline(always)]
    fn slope<F: Real>(&self, x: F, _: F) -> F {
        x + x
    }
}
