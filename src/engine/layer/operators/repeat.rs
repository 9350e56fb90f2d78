//! [`Repeat`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// Each element several times after itself along an axis.
///
/// # Shapes
/// The axis becomes as many times as long.
///
/// Source: <https://keras.io/api/ops/numpy/#repeat-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How many times: a number, or one for each place along the axis.
    pub repeats: Repeats,
    /// The axis, counted with the batch axis or from the last one, which is -1.
    pub axis: i64,
}

/// How often each element stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a whole number or a list of whole numbers")]
pub enum Repeats {
    /// Each as often.
    Each(usize),
    /// Each place of the axis separately.
    Listed(Vec<usize>),
}

impl Repeats {
    fn listed(&self) -> &[usize] {
        match self {
            Self::Each(count) => std::slice::from_ref(count),
            Self::Listed(counts) => counts,
        }
    }
}

layer_of_picks!(Repeat);

impl Picking for Repeat {
    fn check(&self) -> Result<(), FieldError> {
        let counts = self.repeats.listed();
        let fit = !counts.is_empty() && counts.iter().all(|count| (1..=MAX_AXIS_SIZE).contains(count));
        settings_checks::range(
            fit,
            "/repeats",
            &format!("numbers from 1 to {MAX_AXIS_SIZE}"),
            format_args!("{counts:?}"),
        )
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        let axis = settings_checks::axis(self.axis, shape).map_err(|error| error.under("/axis"))?;
        let mut sizes = shape.0.clone();
        let (size, counts) = (sizes[axis], self.repeats.listed());
        let fit = matches!(self.repeats, Repeats::Each(_)) || counts.len() == size;
        settings_checks::range(fit, "/repeats", &format!("a number, or {size} of them"), format_args!("{counts:?}"))?;
        let each = (0..size).map(|place| counts[place % counts.len()]);
        sizes[axis] = each.fold(0, |total: usize, count| total.saturating_add(count));
        Ok(sizes)
    }

    fn picks(&self, axis: usize, axes: usize, size: usize) -> Vec<Option<usize>> {
        let counts = self.repeats.listed();
        let repeats = settings_checks::place_of(self.axis, axes) == Some(axis);
        let count = |place: usize| if repeats { counts[place % counts.len()] } else { 1 };
        (0..size).flat_map(|place| std::iter::repeat_n(Some(place), count(place))).collect()
    }
}
