//! [`Log1p`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = ln(1 + x)`, exact near 0, for `x` over -1.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#log1p-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log1p {}

layer_of_cells!(Log1p);

impl CellFunction for Log1p {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        x.ln_1p()
    }

    #[inline(always)]
    fn slope<F: Real>(&self, x: F, _: F) -> F {
        F::ONE / (F::ONE + x)
    }
}
