//! [`Argmax`].

use super::lines::{LineFunction, layer_of_lines};
use crate::engine::{layer::Axes, real::Real};
use serde::{Deserialize, Serialize};

/// Which element along some axes is the largest, counted from 0; of equals the first. The gradient is 0.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/numpy/#argmax-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Argmax {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

layer_of_lines!(Argmax);

impl LineFunction for Argmax {
    fn of<F: Real>(&self, line: &[F]) -> F {
        let mut best = 0;
        for (place, &x) in line.iter().enumerate() {
            // The first one that is no number ends the search.
            if x > line[best] || (x.is_nan() && !line[best].is_nan()) {
                best = place;
            }
        }
        F::of(best as f64)
    }

    fn backward<F: Real>(&self, _: &[F], _: F, _: F, gradient: &mut [F]) {
        gradient.fill(F::ZERO);
    }
}
