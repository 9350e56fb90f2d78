//! [`MaxNorm`].

use super::{Axes, Bound};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `w * min(norm, max_value) / (epsilon + norm)`, with the norm of each group of cells along `axis`.
///
/// Source: <https://keras.io/api/layers/constraints/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MaxNorm {
    /// The largest norm, more than 0.
    pub max_value: f64,
    /// The axes of a norm: 0 for the inputs of each unit of a dense layer.
    pub axis: Axes,
}

impl Default for MaxNorm {
    fn default() -> Self {
        Self { max_value: 2.0, axis: Axes::default() }
    }
}

impl<F: Real> Bound<F> for MaxNorm {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/max_value", self.max_value)
    }

    fn axes(&self) -> Option<&Axes> {
        Some(&self.axis)
    }

    fn apply(&self, weights: &mut [F], shape: &Shape) {
        let most = F::of(self.max_value);
        self.axis.scale(weights, shape, |norm| if norm > most { most } else { norm });
    }
}
