//! [`Threshold`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = x` where x > threshold, else `default_value`. Keras has no defaults; here both are 0.
///
/// Source: <https://keras.io/api/layers/activations/#threshold-function>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Threshold {
    /// Threshold.
    pub threshold: f64,
    /// Value up to the threshold.
    pub default_value: f64,
}

impl<F: Real> Function<F> for Threshold {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/threshold", self.threshold)?;
        check::finite("/default_value", self.default_value)
    }

    fn needs_input(&self) -> bool {
        true
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        let (threshold, other) = (F::of(self.threshold), F::of(self.default_value));
        map(
            x,
            #[inline(always)]
            |x| if x <= threshold { other } else { x },
        );
    }

    fn backward(&self, x: &[F], _y: &[F], gradient: &mut [F], _width: usize) {
        let threshold = F::of(self.threshold);
        chain(
            x,
            gradient,
            #[inline(always)]
            |x| if x <= threshold { F::ZERO } else { F::ONE },
        );
    }
}
