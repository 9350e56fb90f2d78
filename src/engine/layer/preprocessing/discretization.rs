//! [`Discretization`].

use super::{IndexMode, coding};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, settings_checks},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Numbers as the intervals that they lie in: how many of the boundaries are not above a number. Columns that it reads stay as
/// they are, whatever a job's preprocessing is.
///
/// # Shapes
/// Any, unchanged; with `one_hot`, `[batch, …]` to `[batch, …, intervals]`, where a last axis of one element goes; with `multi_hot`
/// and `count`, `[batch, n]` to `[batch, intervals]`. There is one interval more than boundaries.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/numerical/discretization/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discretization {
    /// Where an interval ends and the next begins, each above the one before; 1 or more of them.
    pub bin_boundaries: Vec<f64>,
    /// What becomes of the intervals.
    #[serde(default)]
    pub output_mode: IndexMode,
}

impl Discretization {
    fn intervals(&self) -> usize {
        self.bin_boundaries.len() + 1
    }
}

impl Layer for Discretization {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(!self.bin_boundaries.is_empty(), "/bin_boundaries", "at least one number", "none")?;
        for (place, &boundary) in self.bin_boundaries.iter().enumerate() {
            check::finite(&format!("/bin_boundaries/{place}"), boundary)?;
        }
        for (place, pair) in self.bin_boundaries.windows(2).enumerate() {
            let pointer = format!("/bin_boundaries/{}", place + 1);
            settings_checks::range(pair[0] <= pair[1], &pointer, &format!("a number from {} on", pair[0]), pair[1])?;
        }
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        coding::shape(self.output_mode.coding(), self.intervals(), &inputs[0])
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Exact
    }

    fn categories(&self) -> Option<usize> {
        (self.output_mode == IndexMode::Int).then(|| self.intervals())
    }
}

impl<F: Real> Compute<F> for Discretization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let interval = |x: F| Some(self.bin_boundaries.partition_point(|&boundary| F::of(boundary) <= x));
        coding::forward(cx, self.output_mode.coding(), self.intervals(), interval);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        coding::backward(cx);
    }
}
