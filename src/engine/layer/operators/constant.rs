//! [`ConstantLayer`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, settings_checks},
    numbers::Numbers,
    real::{Real, check},
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// The same numbers for each row, whatever the input has; its gradient is 0.
///
/// # Shapes
/// `[batch, …]` to `[batch, shape…]`.
///
/// Source: <https://keras.io/api/ops/core/#converttotensor-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConstantLayer {
    /// The sizes of the axes, without the batch axis.
    pub shape: Vec<usize>,
    /// The number, or an array of them along the last axes of `shape`, each axis as long or 1.
    pub value: Numbers,
}

impl Layer for ConstantLayer {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::axes(self.shape.len(), "/shape")?;
        let sizes = !self.shape.is_empty() && self.shape.iter().all(|size| (1..=MAX_AXIS_SIZE).contains(size));
        let expected = format!("at least one axis, of 1 to {MAX_AXIS_SIZE}");
        settings_checks::range(sizes, "/shape", &expected, format!("{:?}", self.shape))?;
        self.value.check_broadcast(&Shape(self.shape.clone()), "/value")?;
        self.value.check("/value", check::finite)
    }

    fn output_shape(&self, _: &[Shape]) -> Result<Shape, FieldError> {
        Ok(Shape(self.shape.clone()))
    }

    fn tables(&self, _: &[Shape]) -> Vec<Vec<u32>> {
        let shape = Shape(self.shape.clone());
        vec![self.value.places(&shape), vec![shape.elements() as u32]]
    }

    fn is_constant(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for ConstantLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let [places, width] = cx.tables else { return };
        for row in cx.output.chunks_exact_mut(width[0] as usize) {
            row.iter_mut().enumerate().for_each(|(cell, y)| *y = F::of(self.value.at(places, cell)));
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.fill(F::ZERO);
        }
    }
}
