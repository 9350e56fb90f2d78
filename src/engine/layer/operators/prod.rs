//! [`Prod`].

use super::lines::{LineFunction, layer_of_lines};
use crate::engine::{layer::Axes, real::Real};
use serde::{Deserialize, Serialize};

/// The product along some axes.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/numpy/#prod-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prod {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

layer_of_lines!(Prod);

impl LineFunction for Prod {
    fn of<F: Real>(&self, line: &[F]) -> F {
        line.iter().fold(F::ONE, |product, &x| product * x)
    }

    /// Of each element, the product of all others: nothing is divided by an element that may be 0.
    fn backward<F: Real>(&self, line: &[F], _: F, dy: F, gradient: &mut [F]) {
        let mut before = dy;
        for (gradient, &x) in gradient.iter_mut().zip(line) {
            *gradient = before;
            before *= x;
        }
        let mut after = F::ONE;
        for (gradient, &x) in gradient.iter_mut().zip(line).rev() {
            *gradient *= after;
            after *= x;
        }
    }
}
