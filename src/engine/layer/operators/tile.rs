//! [`Tile`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// The whole input several times beside itself along each axis.
///
/// # Shapes
/// `[batch, a, b, …]` to `[batch, a * repeats[0], b * repeats[1], …]`.
///
/// Source: <https://keras.io/api/ops/numpy/#tile-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    /// How many times along each axis, without the batch axis.
    pub repeats: Vec<usize>,
}

layer_of_picks!(Tile);

impl Picking for Tile {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::axes(self.repeats.len(), "/repeats")?;
        let counts = self.repeats.iter().all(|count| (1..=MAX_AXIS_SIZE).contains(count));
        settings_checks::range(
            counts,
            "/repeats",
            &format!("numbers from 1 to {MAX_AXIS_SIZE}"),
            format_args!("{:?}", self.repeats),
        )
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        let expected = format!("one number for each axis of {shape}");
        settings_checks::range(
            self.repeats.len() == shape.0.len(),
            "/repeats",
            &expected,
            format_args!("{:?}", self.repeats),
        )?;
        Ok(shape.0.iter().zip(&self.repeats).map(|(size, count)| size.saturating_mul(*count)).collect())
    }

    fn picks(&self, axis: usize, _: usize, size: usize) -> Vec<Option<usize>> {
        let count = self.repeats.get(axis).copied().unwrap_or(1);
        (0..size * count).map(|place| Some(place % size)).collect()
    }
}
