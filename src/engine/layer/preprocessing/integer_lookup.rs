//! [`IntegerLookup`].

use super::{IndexMode, coding};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Whole numbers as their places in a vocabulary. First comes `mask_token`, where there is one, then `num_oov_indices` places
/// for all that the vocabulary does not have, then the vocabulary. Vectors have no element for the mask. Of a number with a
/// fraction, the fraction is left out. Columns that it reads stay as they are, whatever a job's preprocessing is.
///
/// # Shapes
/// Any, unchanged; with `one_hot`, `[batch, …]` to `[batch, …, places]`, where a last axis of one element goes; with `multi_hot` and
/// `count`, `[batch, n]` to `[batch, places]`.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/categorical/integer_lookup/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegerLookup {
    /// The numbers, in order, none of them twice; each from -16777216 to 16777216, which are those that a 32-bit float tells
    /// apart, but not -1, which Keras has for numbers that are not here.
    pub vocabulary: Vec<i64>,
    /// Places for other numbers, 1 or more: each has that of its remainder.
    #[serde(default = "settings_checks::one", deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub num_oov_indices: usize,
    /// The number that is padding.
    #[serde(default)]
    pub mask_token: Option<i64>,
    /// What becomes of the places.
    #[serde(default)]
    pub output_mode: IndexMode,
}

/// What Keras has in a vocabulary for numbers that are not in it.
const OTHERS: i64 = -1;

/// The last number from which on a 32-bit float does not know every one.
const LARGEST: u64 = 1 << 24;

impl IntegerLookup {
    /// The place of the first of the other numbers.
    fn first(&self) -> usize {
        usize::from(self.mask_token.is_some() && self.output_mode == IndexMode::Int)
    }

    fn places(&self) -> usize {
        (self.first() + self.vocabulary.len()).saturating_add(self.num_oov_indices)
    }

    /// The place of a number; none where a vector has no element for it. `order` is that of the vocabulary's numbers.
    fn place(&self, number: i64, order: &[u32]) -> Option<usize> {
        if self.mask_token == Some(number) {
            return (self.output_mode == IndexMode::Int).then_some(0);
        }
        let known = order.binary_search_by_key(&number, |&index| self.vocabulary[index as usize]);
        Some(match known {
            Ok(rank) => self.first() + self.num_oov_indices + order[rank] as usize,
            Err(_) => self.first() + number.rem_euclid(self.num_oov_indices as i64) as usize,
        })
    }
}

impl Layer for IntegerLookup {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(!self.vocabulary.is_empty(), "/vocabulary", "at least one number", "none")?;
        let mut seen: HashSet<i64> = self.mask_token.into_iter().collect();
        for (index, &number) in self.vocabulary.iter().enumerate() {
            let expected =
                "a whole number from -16777216 to 16777216 that is not -1, not `mask_token` and not here already";
            let holds = number.unsigned_abs() <= LARGEST && number != OTHERS && seen.insert(number);
            settings_checks::range(holds, &format!("/vocabulary/{index}"), expected, number)?;
        }
        let mask = self.mask_token.unwrap_or(0);
        let expected = "a whole number from -16777216 to 16777216 that is not -1";
        settings_checks::range(mask.unsigned_abs() <= LARGEST && mask != OTHERS, "/mask_token", expected, mask)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        coding::shape(self.output_mode.coding(), self.places(), &inputs[0])
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Exact
    }

    fn categories(&self) -> Option<usize> {
        (self.output_mode == IndexMode::Int).then(|| self.places())
    }

    fn tables(&self, _: &[Shape]) -> Vec<Vec<u32>> {
        let mut order: Vec<u32> = (0..self.vocabulary.len() as u32).collect();
        order.sort_unstable_by_key(|&index| self.vocabulary[index as usize]);
        vec![order]
    }
}

impl<F: Real> Compute<F> for IntegerLookup {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let tables = cx.tables;
        let place = |x: F| self.place(x.to_f64() as i64, &tables[0]);
        coding::forward(cx, self.output_mode.coding(), self.places(), place);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        coding::backward(cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn vocabularies_that_keras_would_read_otherwise_are_refused() {
        for (settings, pointer) in [
            (json!({"vocabulary": []}), "/vocabulary"),
            (json!({"vocabulary": [3, 1, 3]}), "/vocabulary/2"),
            (json!({"vocabulary": [-1, 3]}), "/vocabulary/0"),
            (json!({"vocabulary": [0, 3], "mask_token": 0}), "/vocabulary/0"),
            (json!({"vocabulary": [16_777_217]}), "/vocabulary/0"),
            (json!({"vocabulary": [3], "mask_token": -1}), "/mask_token"),
        ] {
            let layer: IntegerLookup = serde_json::from_value(settings.clone()).unwrap();
            assert_eq!(layer.check().unwrap_err().pointer, pointer, "{settings}");
        }
    }
}
