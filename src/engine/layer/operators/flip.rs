//! [`Flip`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{
    field::FieldError,
    layer::{Axes, settings_checks},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The elements along some axes in reverse order.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#flip-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// The axes, counted with the batch axis or from the last one, which is -1.
    pub axis: Axes,
}

layer_of_picks!(Flip);

impl Picking for Flip {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        self.axis.places(shape).map(|_| shape.0.clone())
    }

    fn picks(&self, axis: usize, axes: usize, size: usize) -> Vec<Option<usize>> {
        let flips = self.axis.listed().iter().any(|&listed| settings_checks::place_of(listed, axes) == Some(axis));
        if flips { (0..size).rev().map(Some).collect() } else { (0..size).map(Some).collect() }
    }
}
