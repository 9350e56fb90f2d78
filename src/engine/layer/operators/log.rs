//! [`Log`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = ln(x)`, for `x` over 0.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#log-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {}

layer_of_cells!(Log);

impl CellFunction for Log {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        x.ln()
    }

    #[inline(always)]
    fn slope<F: Real>(&self, x: F, _: F) -> F {
        F::ONE / x
    }
}
