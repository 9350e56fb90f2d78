//! [`Relu`].

use super::{Function, chain, map};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `f(x) = max(x, 0)`; the derivative at 0 is 0.
///
/// With settings: `min(x, max_value)` above `threshold`, and `negative_slope * (x - threshold)` below.
///
/// Source: <https://keras.io/api/layers/activations/#relu-function>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Relu {
    /// Slope below the threshold, at least 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub negative_slope: f64,
    /// Maximum value, at least 0. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_value: Option<f64>,
    /// Threshold, at least 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub threshold: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Relu {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The slope, the maximum and the threshold.
    fn numbers<F: Real>(&self) -> (F, F, F) {
        let max = self.max_value.unwrap_or(f64::INFINITY);
        (F::of(self.negative_slope), F::of(max), F::of(self.threshold))
    }
}

impl<F: Real> Function<F> for Relu {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/negative_slope", self.negative_slope)?;
        check::not_negative("/max_value", self.max_value.unwrap_or_default())?;
        check::not_negative("/threshold", self.threshold)
    }

    fn needs_input(&self) -> bool {
        !self.is_plain()
    }

    fn range(&self) -> (f64, f64) {
        let min = if self.negative_slope == 0.0 { 0.0 } else { f64::NEG_INFINITY };
        (min, self.max_value.unwrap_or(f64::INFINITY))
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        if self.is_plain() {
            // Written so that NaN stays NaN.
            map(
                x,
                #[inline(always)]
                |x| if x < F::ZERO { F::ZERO } else { x },
            );
        } else {
            let (slope, max, threshold) = self.numbers::<F>();
            map(
                x,
                #[inline(always)]
                |x| if x <= threshold { slope * (x - threshold) } else { x.minimum_or_nan(max) },
            );
        }
    }

    fn backward(&self, x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        if self.is_plain() {
            chain(
                y,
                gradient,
                #[inline(always)]
                |y| if y > F::ZERO { F::ONE } else { F::ZERO },
            );
        } else {
            let (slope, max, threshold) = self.numbers::<F>();
            chain(
                x,
                gradient,
                #[inline(always)]
                |x| {
                    let above = if x < max { F::ONE } else { F::ZERO };
                    if x <= threshold { slope } else { above }
                },
            );
        }
    }
}
