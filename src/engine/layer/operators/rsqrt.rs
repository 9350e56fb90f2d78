//! [`Rsqrt`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = 1 / √x`, for `x` over 0.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/core/#rsqrt-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rsqrt {}

layer_of_cells!(Rsqrt);

impl CellFunction for Rsqrt {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        F::ONE / x.sqrt()
    }

    #[inline(always)]
    fn slope<F: Real>(&self, _: F, y: F) -> F {
        F::of(-0.5) * y * y * y
    }
}
