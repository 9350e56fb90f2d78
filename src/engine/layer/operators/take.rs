//! [`Take`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{field::FieldError, layer::settings_checks, shape::Shape};
use serde::{Deserialize, Serialize};

/// The elements in some places along an axis, in this order.
///
/// # Shapes
/// The axis becomes as long as there are places.
///
/// Source: <https://keras.io/api/ops/numpy/#take-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// The places, from 0; from the end where they are negative.
    pub indices: Vec<i64>,
    /// The axis, counted with the batch axis or from the last one, which is -1.
    pub axis: i64,
}

layer_of_picks!(Take);

impl Picking for Take {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(!self.indices.is_empty(), "/indices", "at least one place", "none")
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        let axis = settings_checks::axis(self.axis, shape).map_err(|error| error.under("/axis"))?;
        let mut sizes = shape.0.clone();
        let size = sizes[axis] as i64;
        for (index, place) in self.indices.iter().enumerate() {
            let expected = format!("a number from -{size} to {}", size - 1);
            settings_checks::range((-size..size).contains(place), &format!("/indices/{index}"), &expected, place)?;
        }
        sizes[axis] = self.indices.len();
        Ok(sizes)
    }

    fn picks(&self, axis: usize, axes: usize, size: usize) -> Vec<Option<usize>> {
        match settings_checks::place_of(self.axis, axes) == Some(axis) {
            true => self.indices.iter().map(|place| Some(place.rem_euclid(size as i64) as usize)).collect(),
            false => (0..size).map(Some).collect(),
        }
    }
}
