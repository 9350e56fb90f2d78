//! [`Std`].

use super::{
    lines::{LineFunction, layer_of_lines},
    var::{mean, variance},
};
use crate::engine::{layer::Axes, real::Real};
use serde::{Deserialize, Serialize};

/// The standard deviation along some axes, the square root of the variance. Where that is 0, its gradient is no number.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/numpy/#std-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Std {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

layer_of_lines!(Std);

impl LineFunction for Std {
    fn of<F: Real>(&self, line: &[F]) -> F {
        variance(line, mean(line)).sqrt()
    }

    fn backward<F: Real>(&self, line: &[F], y: F, dy: F, gradient: &mut [F]) {
        let (mean, factor) = (mean(line), dy / (y * F::of(line.len() as f64)));
        gradient.iter_mut().zip(line).for_each(|(gradient, &x)| *gradient = factor * (x - mean));
    }
}
