//! [`InverseTimeDecay`].

use super::{Curve, progress};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `initial_learning_rate / (1 + decay_rate * step / decay_steps)`.
///
/// Source: <https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InverseTimeDecay {
    /// Initial learning rate, more than 0.
    pub initial_learning_rate: f64,
    /// Number of steps of one decay, more than 0.
    pub decay_steps: f64,
    /// Decay rate, at least 0.
    pub decay_rate: f64,
    /// Whether to decay at discrete intervals of `decay_steps`.
    #[serde(default)]
    pub staircase: bool,
}

impl Default for InverseTimeDecay {
    /// The example of Keras's documentation.
    fn default() -> Self {
        Self { initial_learning_rate: 0.1, decay_steps: 1.0, decay_rate: 0.5, staircase: false }
    }
}

impl<F: Real> Curve<F> for InverseTimeDecay {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/initial_learning_rate", self.initial_learning_rate)?;
        check::positive("/decay_steps", self.decay_steps)?;
        check::not_negative("/decay_rate", self.decay_rate)
    }

    fn rate(&self, step: u64) -> F {
        let times = progress(step, self.decay_steps, self.staircase);
        F::of(self.initial_learning_rate / (1.0 + self.decay_rate * times))
    }
}
