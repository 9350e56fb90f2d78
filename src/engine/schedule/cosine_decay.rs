//! [`CosineDecay`].

use super::Curve;
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `initial_learning_rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`, and from `decay_steps` on
/// `initial_learning_rate * alpha`.
///
/// With `warmup_target`, the rate first increases linearly from `initial_learning_rate` to it over `warmup_steps`
/// steps, and decays from there.
///
/// Source: <https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay/>, <https://arxiv.org/abs/1608.03983>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CosineDecay {
    /// Initial learning rate, more than 0; with a warmup at least 0.
    pub initial_learning_rate: f64,
    /// Number of steps to decay over, more than 0.
    pub decay_steps: f64,
    /// Minimum learning rate as a fraction of the initial one, at least 0.
    #[serde(default)]
    pub alpha: f64,
    /// Target learning rate of the warmup, more than 0. Default: no warmup.
    #[serde(default)]
    pub warmup_target: Option<f64>,
    /// Number of warmup steps.
    #[serde(default)]
    pub warmup_steps: u64,
}

impl Default for CosineDecay {
    /// The example of Keras's documentation.
    fn default() -> Self {
        Self { initial_learning_rate: 0.1, decay_steps: 1000.0, alpha: 0.0, warmup_target: None, warmup_steps: 0 }
    }
}

impl<F: Real> Curve<F> for CosineDecay {
    fn check(&self) -> Result<(), FieldError> {
        match self.warmup_target {
            None => check::positive("/initial_learning_rate", self.initial_learning_rate)?,
            Some(target) => {
                check::not_negative("/initial_learning_rate", self.initial_learning_rate)?;
                check::positive("/warmup_target", target)?;
            }
        }
        check::positive("/decay_steps", self.decay_steps)?;
        check::not_negative("/alpha", self.alpha)
    }

    fn rate(&self, step: u64) -> F {
        let (highest, step) = match self.warmup_target {
            Some(target) if step < self.warmup_steps => {
                let part = step as f64 / self.warmup_steps as f64;
                return F::of((target - self.initial_learning_rate) * part + self.initial_learning_rate);
            }
            Some(target) => (target, step - self.warmup_steps),
            None => (self.initial_learning_rate, step),
        };
        let part = (step as f64 / self.decay_steps).min(1.0);
        let fallen = 0.5 * (1.0 + libm::cos(std::f64::consts::PI * part));
        F::of(highest * ((1.0 - self.alpha) * fallen + self.alpha))
    }
}
