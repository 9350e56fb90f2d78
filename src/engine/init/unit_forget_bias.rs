//! [`UnitForgetBias`].

use super::{Fill, Initializer, Stop};
use crate::engine::{field::FieldError, real::Real, shape::Shape};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Initializer of the bias of an LSTM: 1 for the forget gate, the second of four parts, and `others` for the rest.
///
/// # Shapes
/// `[4 * units]`.
///
/// Source: `unit_forget_bias` in <https://keras.io/api/layers/recurrent_layers/lstm/>,
/// <https://proceedings.mlr.press/v37/jozefowicz15.pdf>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnitForgetBias {
    /// Initializer of the other parts: of the first, and of the third and fourth together.
    #[schema(no_recursion)]
    pub others: Box<Initializer>,
}

impl UnitForgetBias {
    /// The initializer of a whole bias whose other parts begin as `others` says; an array of numbers is the whole bias.
    pub(in crate::engine) fn beside(others: &Initializer) -> Initializer {
        match others {
            Initializer::Constant(constant) if constant.value.axes() > 0 => others.clone(),
            _ => Initializer::UnitForgetBias(Self { others: Box::new(others.clone()) }),
        }
    }
}

impl Default for UnitForgetBias {
    fn default() -> Self {
        Self { others: Box::new(Initializer::Zeros) }
    }
}

impl<F: Real> Fill<F> for UnitForgetBias {
    fn check(&self) -> Result<(), FieldError> {
        let check = self.others.check().and_then(|()| self.others.check_shape(&Shape::vector(1)));
        check.map_err(|error| error.under("/others"))
    }

    fn axes(&self) -> std::ops::RangeInclusive<usize> {
        1..=1
    }

    fn fill(&self, shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        let units = shape.last() / 4;
        let (first, rest) = values.split_at_mut(units);
        let (forget, last) = rest.split_at_mut(units);
        self.others.fill(&Shape::vector(first.len()), first, random, stop);
        forget.fill(F::ONE);
        self.others.fill(&Shape::vector(last.len()), last, random, stop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn the_second_of_four_parts_is_one() {
        let constant = serde_json::from_value(serde_json::json!({"type": "constant", "value": 0.5})).unwrap();
        let mut values = [0.0f32; 8];
        let initializer = UnitForgetBias { others: Box::new(constant) };
        initializer.fill(&Shape::vector(8), &mut values, &mut ChaCha8Rng::seed_from_u64(0), &|| false);
        assert_eq!(values, [0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn an_array_is_the_whole_bias() {
        let whole = serde_json::from_value(serde_json::json!({"type": "constant", "value": [1, 2, 3, 4]})).unwrap();
        assert_eq!(UnitForgetBias::beside(&whole), whole);
        let one = serde_json::from_value(serde_json::json!({"type": "constant", "value": 0.5})).unwrap();
        assert!(matches!(UnitForgetBias::beside(&one), Initializer::UnitForgetBias(_)));
    }
}
