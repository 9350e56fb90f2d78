//! [`Var`].

use super::lines::{LineFunction, layer_of_lines};
use crate::engine::{kernel, layer::Axes, real::Real};
use serde::{Deserialize, Serialize};

/// The variance along some axes: the mean of the squared differences from the mean.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/numpy/#var-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Var {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

layer_of_lines!(Var);

impl LineFunction for Var {
    fn of<F: Real>(&self, line: &[F]) -> F {
        variance(line, mean(line))
    }

    fn backward<F: Real>(&self, line: &[F], _: F, dy: F, gradient: &mut [F]) {
        let (mean, factor) = (mean(line), dy * F::of(2.0 / line.len() as f64));
        gradient.iter_mut().zip(line).for_each(|(gradient, &x)| *gradient = factor * (x - mean));
    }
}

/// The mean of a line.
pub(super) fn mean<F: Real>(line: &[F]) -> F {
    F::of(kernel::sum(line, |x| x) / line.len() as f64)
}

/// The variance of a line with this mean.
pub(super) fn variance<F: Real>(line: &[F], mean: F) -> F {
    let square = |x: F| (x - mean) * (x - mean);
    F::of(kernel::sum(line, square) / line.len() as f64)
}
