//! [`ExponentialDecay`].

use super::{Curve, progress};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `initial_learning_rate * decay_rate^(step / decay_steps)`.
///
/// Source: <https://keras.io/api/optimizers/learning_rate_schedules/exponential_decay/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialDecay {
    /// Initial learning rate, more than 0.
    pub initial_learning_rate: f64,
    /// Number of steps of one decay, more than 0.
    pub decay_steps: f64,
    /// Decay rate, more than 0.
    pub decay_rate: f64,
    /// Whether to decay at discrete intervals of `decay_steps`.
    #[serde(default)]
    pub staircase: bool,
}

impl Default for ExponentialDecay {
    /// The example of Keras's documentation.
    fn default() -> Self {
        Self { initial_learning_rate: 0.1, decay_steps: 100_000.0, decay_rate: 0.96, staircase: false }
    }
}

impl<F: Real> Curve<F> for ExponentialDecay {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/initial_learning_rate", self.initial_learning_rate)?;
        check::positive("/decay_steps", self.decay_steps)?;
        check::positive("/decay_rate", self.decay_rate)
    }

    fn rate(&self, step: u64) -> F {
        let times = progress(step, self.decay_steps, self.staircase);
        F::of(self.initial_learning_rate * libm::pow(self.decay_rate, times))
    }
}
