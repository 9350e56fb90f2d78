//! [`ValueRange`].

use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// What a pixel may be: the least value and the largest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct ValueRange(pub [f64; 2]);

impl Default for ValueRange {
    fn default() -> Self {
        Self([0.0, 255.0])
    }
}

impl ValueRange {
    pub(super) fn check(self) -> Result<(), FieldError> {
        let [low, high] = self.0;
        check::finite("/value_range/0", low)?;
        check::finite("/value_range/1", high)?;
        settings_checks::range(
            low <= high,
            "/value_range",
            "the least value and then the largest",
            format_args!("{low}, {high}"),
        )
    }

    /// From the one to the other.
    pub(super) fn width(self) -> f64 {
        self.0[1] - self.0[0]
    }

    /// The nearest value within.
    pub(super) fn clip<F: Real>(self, value: F) -> F {
        let [low, high] = self.0.map(F::of);
        if value < low {
            low
        } else if value > high {
            high
        } else {
            value
        }
    }

    /// The gradient of a value from that of what it was clipped to.
    pub(super) fn clipped<F: Real>(self, value: F, gradient: F) -> F {
        let [low, high] = self.0.map(F::of);
        if value < low || value > high { F::ZERO } else { gradient }
    }
}
