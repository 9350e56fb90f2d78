//! [`Logsumexp`].

use super::lines::{LineFunction, layer_of_lines};
use crate::engine::{kernel, layer::Axes, real::Real};
use serde::{Deserialize, Serialize};

/// `y = log(sum(exp(x)))` along some axes, without overflow.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/core/#logsumexp-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Logsumexp {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
}

layer_of_lines!(Logsumexp);

impl LineFunction for Logsumexp {
    fn of<F: Real>(&self, line: &[F]) -> F {
        let highest = line.iter().copied().fold(line[0], F::maximum);
        let highest = if highest.finite() { highest } else { F::ZERO };
        highest + F::of(kernel::sum(line, |x| (x - highest).exp())).ln()
    }

    fn backward<F: Real>(&self, line: &[F], y: F, dy: F, gradient: &mut [F]) {
        gradient.iter_mut().zip(line).for_each(|(gradient, &x)| *gradient = dy * (x - y).exp());
    }
}
