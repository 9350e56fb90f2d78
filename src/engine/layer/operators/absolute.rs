//! [`Absolute`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `y = |x|`; at 0 the slope is 0.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#absolute-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Absolute {}

layer_of_cells!(Absolute);

impl CellFunction for Absolute {
    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        x.abs()
    }

    #[inline(always)]
    fn slope<F: Real>(&self, x: F, _: F) -> F {
        x.sign()
    }
}
