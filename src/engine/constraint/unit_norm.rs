//! [`UnitNorm`].

use super::{Axes, Projection};
use crate::engine::{real::Real, shape::Shape};
use serde::{Deserialize, Serialize};

/// `w / (epsilon + norm)`, with norms along `axis`.
///
/// Source: <https://keras.io/api/layers/constraints/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnitNorm {
    /// Axes along which norms are computed: 0 for the weights of each unit of a dense layer.
    pub axis: Axes,
}

impl<F: Real> Projection<F> for UnitNorm {
    fn axes(&self) -> Option<&Axes> {
        Some(&self.axis)
    }

    fn apply(&self, weights: &mut [F], shape: &Shape) {
        self.axis.scale(weights, shape, |_| F::ONE);
    }
}
