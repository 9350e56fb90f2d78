//! [`HardShrink`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = x`, but 0 where `|x| <= threshold`.
///
/// Source: <https://keras.io/api/layers/activations/#hardshrink-function>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HardShrink {
    /// Absolute value up to which x becomes 0, at least 0.
    pub threshold: f64,
}

impl Default for HardShrink {
    fn default() -> Self {
        Self { threshold: 0.5 }
    }
}

impl<F: Real> Function<F> for HardShrink {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/threshold", self.threshold)
    }

    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let threshold = F::of(self.threshold);
        map(
            x,
            #[inline(always)]
            |x| if x.abs() <= threshold { F::ZERO } else { x },
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        let threshold = F::of(self.threshold);
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| if x.abs() <= threshold { F::ZERO } else { F::ONE },
        );
    }
}
