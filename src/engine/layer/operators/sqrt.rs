//! [`Sqrt`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = √x`, for `x` of at least 0; at 0 the slope has no bound.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#sqrt-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sqrt {}

layer_of_cells!(Sqrt);

impl CellFunction for Sqrt {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        x.sqrt()
    }

    #[inline(always)]
    fn slope<F: Real>(&self, _: F, y: F) -> F {
        F::of(0.5) / y
    }
}
