//! [`CategoryEncoding`].

use super::{Coding, coding};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Categories, which are whole numbers from 0, as vectors of `num_tokens` elements.
///
/// Rows in which a number is not whole or out of range are refused before a job trains on them and before a prediction.
///
/// # Shapes
/// `[batch, n]` to `[batch, num_tokens]`; with `one_hot`, `[batch, …]` to `[batch, …, num_tokens]`, where a last axis of one
/// element goes.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/categorical/category_encoding/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryEncoding {
    /// How many categories there are: 0 to this, without this.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub num_tokens: usize,
    /// What they become.
    #[serde(default)]
    pub output_mode: Coding,
}

impl Layer for CategoryEncoding {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        coding::shape(Some(self.output_mode), self.num_tokens, &inputs[0])
    }

    fn looks_up(&self) -> Option<usize> {
        Some(self.num_tokens)
    }
}

impl<F: Real> Compute<F> for CategoryEncoding {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        // Numbers out of range, which are refused before, stay within the vector.
        let category = |x: F| Some((x.to_f64() as usize).min(self.num_tokens - 1));
        coding::forward(cx, Some(self.output_mode), self.num_tokens, category);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        coding::backward(cx);
    }
}
