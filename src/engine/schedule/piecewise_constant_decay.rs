//! [`PiecewiseConstantDecay`].

use super::Curve;
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `values[i]` up to the step `boundaries[i]`, that step included, and the last value from there on.
///
/// Source: <https://keras.io/api/optimizers/learning_rate_schedules/piecewise_constant_decay/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PiecewiseConstantDecay {
    /// Steps at which the value changes, at least one, strictly increasing.
    pub boundaries: Vec<u64>,
    /// Learning rates of at least 0, one more than `boundaries`.
    pub values: Vec<f64>,
}

impl Default for PiecewiseConstantDecay {
    /// The example of Keras's documentation.
    fn default() -> Self {
        Self { boundaries: vec![100_000, 110_000], values: vec![1.0, 0.5, 0.1] }
    }
}

impl<F: Real> Curve<F> for PiecewiseConstantDecay {
    fn check(&self) -> Result<(), FieldError> {
        if self.boundaries.is_empty() {
            return Err(FieldError::new("/boundaries", "expected at least 1 step, received none"));
        }
        let pairs = self.boundaries.iter().zip(self.boundaries.iter().skip(1));
        if let Some((index, (before, step))) = pairs.enumerate().find(|(_, (before, step))| before >= step) {
            let detail = format!("expected a step after {before}, received {step}");
            return Err(FieldError::new(format!("/boundaries/{}", index + 1), detail));
        }
        if self.values.len() != self.boundaries.len() + 1 {
            let (expected, received) = (self.boundaries.len() + 1, self.values.len());
            let detail = format!("expected {expected} learning rates, one more than boundaries, received {received}");
            return Err(FieldError::new("/values", detail));
        }
        let mut values = self.values.iter().enumerate();
        values.try_for_each(|(index, &value)| check::not_negative(&format!("/values/{index}"), value))
    }

    fn rate(&self, step: u64) -> F {
        let passed = self.boundaries.partition_point(|&boundary| boundary < step);
        F::of(self.values.get(passed).copied().unwrap_or_default())
    }
}
