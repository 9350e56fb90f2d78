//! [`BroadcastTo`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// Axes of size 1 stretched to other sizes.
///
/// # Shapes
/// `[batch, …]` to `[batch, shape…]`, of as many axes.
///
/// Source: <https://keras.io/api/ops/numpy/#broadcastto-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastTo {
    /// The sizes of the axes, without the batch axis: those of the input where they are not 1 there.
    pub shape: Vec<usize>,
}

layer_of_picks!(BroadcastTo);

impl Picking for BroadcastTo {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::axes(self.shape.len(), "/shape")?;
        let sizes = self.shape.iter().all(|size| (1..=MAX_AXIS_SIZE).contains(size));
        settings_checks::range(
            sizes,
            "/shape",
            &format!("axes of 1 to {MAX_AXIS_SIZE}"),
            format_args!("{:?}", self.shape),
        )
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        let fits = |(to, from): (&usize, &usize)| to == from || *from == 1;
        let stretches = self.shape.len() == shape.0.len() && self.shape.iter().zip(&shape.0).all(fits);
        let expected = format!("the shape {shape}, or another size where that has 1");
        settings_checks::range(stretches, "/shape", &expected, format_args!("{:?}", self.shape))?;
        Ok(self.shape.clone())
    }

    fn picks(&self, axis: usize, _: usize, size: usize) -> Vec<Option<usize>> {
        let whole = self.shape.get(axis).copied().unwrap_or(size);
        (0..whole).map(|place| Some(if size == 1 { 0 } else { place })).collect()
    }
}
