//! [`Factor`].

use crate::engine::{field::FieldError, layer::settings_checks};
use serde::{Deserialize, Serialize};

/// A range that numbers are drawn from, evenly: its ends, or one number for as much in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a number, or a list of two")]
pub enum Factor {
    /// From its negative to it.
    Both(f64),
    /// From one to the other.
    Ends([f64; 2]),
}

impl Factor {
    /// The least number and the largest.
    pub(super) fn range(self) -> [f64; 2] {
        match self {
            Self::Both(factor) => [-factor.abs(), factor.abs()],
            Self::Ends([one, other]) => [one.min(other), one.max(other)],
        }
    }

    /// Fails where the range is not within -1 to 1, or begins at -1 where `open`.
    pub(super) fn check(self, pointer: &str, open: bool) -> Result<(), FieldError> {
        let [low, high] = self.range();
        let given = match self {
            Self::Both(factor) => [factor; 2],
            Self::Ends(ends) => ends,
        };
        let holds = high <= 1.0 && low >= -1.0 && !(open && given.contains(&-1.0));
        let expected = if open { "numbers above -1 and up to 1" } else { "numbers from -1 to 1" };
        settings_checks::range(holds, pointer, expected, format_args!("{low} to {high}"))
    }
}
