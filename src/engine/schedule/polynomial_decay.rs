//! [`PolynomialDecay`].

use super::Curve;
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps)^power + end_learning_rate`, and from
/// `decay_steps` on `end_learning_rate`.
///
/// With `cycle`, `decay_steps` is replaced by its smallest multiple that is not below the step, so that the rate rises
/// again.
///
/// Source: <https://keras.io/api/optimizers/learning_rate_schedules/polynomial_decay/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolynomialDecay {
    /// Initial learning rate, more than 0.
    pub initial_learning_rate: f64,
    /// Number of steps to decay over, more than 0.
    pub decay_steps: f64,
    /// Final learning rate, at least 0.
    #[serde(default = "end_learning_rate")]
    pub end_learning_rate: f64,
    /// Exponent of the polynomial, at least 0; 1 for linear decay.
    #[serde(default = "power")]
    pub power: f64,
    /// Whether to cycle beyond `decay_steps`.
    #[serde(default)]
    pub cycle: bool,
}

fn end_learning_rate() -> f64 {
    1e-4
}

fn power() -> f64 {
    1.0
}

impl Default for PolynomialDecay {
    /// The example of Keras's documentation.
    fn default() -> Self {
        Self {
            initial_learning_rate: 0.1,
            decay_steps: 10_000.0,
            end_learning_rate: end_learning_rate(),
            power: power(),
            cycle: false,
        }
    }
}

impl<F: Real> Curve<F> for PolynomialDecay {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/initial_learning_rate", self.initial_learning_rate)?;
        check::positive("/decay_steps", self.decay_steps)?;
        check::not_negative("/end_learning_rate", self.end_learning_rate)?;
        check::not_negative("/power", self.power)
    }

    fn rate(&self, step: u64) -> F {
        let times = step as f64 / self.decay_steps;
        let part = if self.cycle { times / times.ceil().max(1.0) } else { times.min(1.0) };
        let above = self.initial_learning_rate - self.end_learning_rate;
        F::of(above * libm::pow(1.0 - part, self.power) + self.end_learning_rate)
    }
}
