//! [`Flatten`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Every sample as one vector, row-major.
///
/// # Shapes
/// `[batch, a, b, …]` to `[batch, a * b * …]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/flatten/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Flatten {}

impl Layer for Flatten {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(Shape::vector(inputs[0].elements()))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: true }
    }
}

impl<F: Real> Compute<F> for Flatten {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(gradient) = cx.input_gradients.get(0) {
            gradient.copy_from_slice(cx.output_gradient);
        }
    }
}
