//! [`Roll`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{field::FieldError, layer::settings_checks, shape::Shape};
use serde::{Deserialize, Serialize};

/// The elements shifted along an axis; what is shifted beyond its end comes in at its beginning.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#roll-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Roll {
    /// How far; towards the beginning where it is negative.
    pub shift: i64,
    /// The axis, counted with the batch axis or from the last one, which is -1.
    pub axis: i64,
}

layer_of_picks!(Roll);

impl Picking for Roll {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        settings_checks::axis(self.axis, shape).map_err(|error| error.under("/axis"))?;
        Ok(shape.0.clone())
    }

    fn picks(&self, axis: usize, axes: usize, size: usize) -> Vec<Option<usize>> {
        let rolls = settings_checks::place_of(self.axis, axes) == Some(axis);
        let shift = if rolls { self.shift.rem_euclid(size as i64) as usize } else { 0 };
        (0..size).map(|place| Some((place + size - shift) % size)).collect()
    }
}
