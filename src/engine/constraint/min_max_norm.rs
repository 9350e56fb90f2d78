//! [`MinMaxNorm`].

use super::{Axes, Projection};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (epsilon + norm)`, with the norm of each group
/// of elements along `axis`.
///
/// Source: <https://keras.io/api/layers/constraints/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MinMaxNorm {
    /// Minimum norm, at least 0.
    pub min_value: f64,
    /// Maximum norm, at least `min_value`.
    pub max_value: f64,
    /// Rate of enforcement, 0 to 1.
    pub rate: f64,
    /// Axes along which norms are computed: 0 for the weights of each unit of a dense layer.
    pub axis: Axes,
}

impl Default for MinMaxNorm {
    fn default() -> Self {
        Self { min_value: 0.0, max_value: 1.0, rate: 1.0, axis: Axes::default() }
    }
}

impl<F: Real> Projection<F> for MinMaxNorm {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/min_value", self.min_value)?;
        check::not_negative("/max_value", self.max_value)?;
        let detail = |expected: String, received: f64| format!("expected {expected}, received {received}");
        if self.max_value < self.min_value {
            let expected = format!("at least min_value, {}", self.min_value);
            return Err(FieldError::new("/max_value", detail(expected, self.max_value)));
        }
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(FieldError::new("/rate", detail("0 to 1".into(), self.rate)));
        }
        Ok(())
    }

    fn axes(&self) -> Option<&Axes> {
        Some(&self.axis)
    }

    fn apply(&self, weights: &mut [F], shape: &Shape) {
        let (min, max, rate) = (F::of(self.min_value), F::of(self.max_value), F::of(self.rate));
        self.axis.scale(weights, shape, |norm| {
            let within = if norm > max { max } else { norm.maximum(min) };
            rate * within + (F::ONE - rate) * norm
        });
    }
}
