//! [`Norm`].

use super::lines::{LineFunction, layer_of_lines};
use crate::engine::{
    field::FieldError,
    kernel,
    layer::Axes,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// The length of the vectors along some axes, `y = sum(|x|^ord)^(1/ord)`. Where it is 0, its gradient is no number, but for an
/// `ord` of 1.
///
/// # Shapes
/// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
///
/// Source: <https://keras.io/api/ops/linalg/#norm-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Norm {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
    /// Whether the reduced axes stay, with size 1.
    #[serde(default)]
    pub keepdims: bool,
    /// The order: 2 for the Euclidean length, 1 for the sum of the absolute values. Over 0.
    #[serde(default = "two")]
    pub ord: f64,
}

fn two() -> f64 {
    2.0
}

layer_of_lines!(Norm);

impl LineFunction for Norm {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/ord", self.ord)
    }

    fn of<F: Real>(&self, line: &[F]) -> F {
        match self.ord {
            1.0 => F::of(kernel::sum(line, F::abs)),
            2.0 => F::of(kernel::sum(line, |x| x * x)).sqrt(),
            ord => F::of(libm::pow(kernel::sum(line, |x| F::of(libm::pow(x.abs().to_f64(), ord))), 1.0 / ord)),
        }
    }

    fn backward<F: Real>(&self, line: &[F], y: F, dy: F, gradient: &mut [F]) {
        let slope = |x: F| match self.ord {
            1.0 => x.sign(),
            2.0 => x / y,
            ord => x.sign() * F::of(libm::pow((x.abs() / y).to_f64(), ord - 1.0)),
        };
        gradient.iter_mut().zip(line).for_each(|(gradient, &x)| *gradient = dy * slope(x));
    }
}
