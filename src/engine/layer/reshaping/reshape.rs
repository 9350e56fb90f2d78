//! [`Reshape`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// The same elements, row-major, in another shape.
///
/// # Shapes
/// `[batch, …]` to `[batch, target_shape…]`, of as many elements.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/reshape/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// The sizes of the axes, without the batch axis; one of them may be -1, and follows from the others.
    pub target_shape: Vec<i64>,
}

impl Layer for Reshape {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::axes(self.target_shape.len(), "/target_shape")?;
        let open = self.target_shape.iter().filter(|&&axis| axis == -1).count();
        let sizes = self.target_shape.iter().all(|&axis| axis == -1 || (1..=MAX_AXIS_SIZE as i64).contains(&axis));
        let expected = format!("axes of 1 to {MAX_AXIS_SIZE}, and at most one of -1");
        settings_checks::range(sizes && open <= 1, "/target_shape", &expected, format!("{:?}", self.target_shape))
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let cells = inputs[0].elements();
        let mut known = self.target_shape.iter().filter(|&&axis| axis != -1);
        let known = known.try_fold(1usize, |product, &axis| product.checked_mul(axis as usize)).unwrap_or(usize::MAX);
        let open = self.target_shape.contains(&-1);
        let fits = if open { cells.is_multiple_of(known) } else { cells == known };
        let expected = format!("a shape of {cells} cells, as many as the input {} has", inputs[0]);
        settings_checks::range(fits, "/target_shape", &expected, format!("{:?}", self.target_shape))?;
        let axes = self.target_shape.iter().map(|&axis| if axis == -1 { cells / known } else { axis as usize });
        Ok(Shape(axes.collect()))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: true }
    }
}

impl<F: Real> Compute<F> for Reshape {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.copy_from_slice(cx.output_gradient);
        }
    }
}
