//! [`MaxNorm`].

use super::{Axes, Projection};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `w * min(norm, max_value) / (epsilon + norm)`, with norms along `axis`.
///
/// Source: <https://keras.io/api/layers/constraints/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MaxNorm {
    /// Maximum norm, more than 0.
    pub max_value: f64,
    /// Axes along which norms are computed: 0 for the weights of each unit of a dense layer.
    pub axis: Axes,
}

impl Default for MaxNorm {
    fn default() -> Self {
        Self { max_value: 2.0, axis: Axes::default() }
    }
}

impl<F: Real> Projection<F> for MaxNorm {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/max_value", self.max_value)
    }

    fn axes(&self) -> Option<&Axes> {
        Some(&self.axis)
    }

    fn apply(&self, weights: &mut [F], shape: &Shape) {
        let max = F::of(self.max_value);
        self.axis.scale(weights, shape, |norm| if norm > max { max } else { norm });
    }
}
