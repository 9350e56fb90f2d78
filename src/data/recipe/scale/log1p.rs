//! [`Log1p`].

use super::{Apply, Step};
use crate::engine::fit::Rescale;
use serde::{Deserialize, Serialize};

/// log(1 + x), for numbers over -1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Log1p {}

impl Step for Log1p {
    type Fitted = Self;

    fn fit(&self, _: &[f64]) -> Self {
        *self
    }
}

impl Apply for Log1p {
    #[inline]
    fn apply(&self, value: f64) -> f64 {
        value.ln_1p()
    }

    fn inverse(&self) -> Option<Rescale> {
        Some(Rescale::ExpM1)
    }
}
