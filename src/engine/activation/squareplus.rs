//! [`Squareplus`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = (x + sqrt(x^2 + b)) / 2`.
///
/// Source: <https://keras.io/api/layers/activations/#squareplus-function>, <https://arxiv.org/abs/2112.11687>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Squareplus {
    /// Smoothness parameter, more than 0.
    pub b: f64,
}

impl Default for Squareplus {
    fn default() -> Self {
        Self { b: 4.0 }
    }
}

impl<F: Real> Function<F> for Squareplus {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/b", self.b)
    }

    fn needs_input(&self) -> bool {
        true
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let (half, b) = (F::of(0.5), F::of(self.b));
        map(
            x,
            #[inline(always)]
            |x| half * (x + (x * x + b).sqrt()),
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        let (half, b) = (F::of(0.5), F::of(self.b));
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| half * (F::ONE + x / (x * x + b).sqrt()),
        );
    }
}
