//! [`CosineDecayRestarts`].

use super::Curve;
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Cosine decay with warm restarts: `initial_learning_rate * ((1 - alpha) * m (1 + cos(pi * part)) / 2 + alpha)`.
///
/// The first period has `first_decay_steps` steps, each further one `t_mul` times as many; `part` is the completed
/// fraction of a period. m is 1 in the first period, and is multiplied by `m_mul` at each restart.
///
/// Source: <https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay_restarts/>,
/// <https://arxiv.org/abs/1608.03983>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CosineDecayRestarts {
    /// Initial learning rate, more than 0.
    pub initial_learning_rate: f64,
    /// Number of steps of the first period, more than 0.
    pub first_decay_steps: f64,
    /// Factor of the length of each further period, at least 1.
    #[serde(default = "t_mul")]
    pub t_mul: f64,
    /// Factor of the initial learning rate of each further period, more than 0.
    #[serde(default = "m_mul")]
    pub m_mul: f64,
    /// Minimum learning rate as a fraction of the initial one, at least 0.
    #[serde(default)]
    pub alpha: f64,
}

fn t_mul() -> f64 {
    2.0
}

fn m_mul() -> f64 {
    1.0
}

impl Default for CosineDecayRestarts {
    /// The example of Keras's documentation.
    fn default() -> Self {
        Self { initial_learning_rate: 0.1, first_decay_steps: 1000.0, t_mul: t_mul(), m_mul: m_mul(), alpha: 0.0 }
    }
}

impl<F: Real> Curve<F> for CosineDecayRestarts {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/initial_learning_rate", self.initial_learning_rate)?;
        check::positive("/first_decay_steps", self.first_decay_steps)?;
        check::finite("/t_mul", self.t_mul)?;
        if self.t_mul < 1.0 {
            return Err(FieldError::new("/t_mul", format!("expected at least 1, received {:?}", self.t_mul)));
        }
        check::positive("/m_mul", self.m_mul)?;
        check::not_negative("/alpha", self.alpha)
    }

    fn rate(&self, step: u64) -> F {
        let times = step as f64 / self.first_decay_steps;
        let (restarts, part) = if self.t_mul == 1.0 {
            (times.floor(), times - times.floor())
        } else {
            // In `f32` as in Keras, whose rounding decides to which period a step belongs.
            let longer = self.t_mul as f32;
            let restarts = f64::from((libm::logf(1.0 - times as f32 * (1.0 - longer)) / libm::logf(longer)).floor());
            let length = libm::pow(self.t_mul, restarts);
            (restarts, (times - (1.0 - length) / (1.0 - self.t_mul)) / length)
        };
        let fallen = 0.5 * libm::pow(self.m_mul, restarts) * (1.0 + libm::cos(std::f64::consts::PI * part));
        F::of(self.initial_learning_rate * ((1.0 - self.alpha) * fallen + self.alpha))
    }
}
