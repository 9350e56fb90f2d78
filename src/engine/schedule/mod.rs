//! Learning rates and learning rate schedules: Keras's names and arithmetic.
//!
//! A new schedule is one file and one row below; the parity tests require a fixture for it.

mod cosine_decay;
mod cosine_decay_restarts;
mod exponential_decay;
mod inverse_time_decay;
mod learning_rate;
mod piecewise_constant_decay;
mod polynomial_decay;

pub use cosine_decay::CosineDecay;
pub use cosine_decay_restarts::CosineDecayRestarts;
pub use exponential_decay::ExponentialDecay;
pub use inverse_time_decay::InverseTimeDecay;
pub use learning_rate::LearningRate;
pub use piecewise_constant_decay::PiecewiseConstantDecay;
pub use polynomial_decay::PolynomialDecay;

use crate::engine::{field::FieldError, real::Real, registry::registry};

/// Implemented by the settings of every schedule.
trait Curve<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError>;
    /// The learning rate of a step, counted from 0.
    fn rate(&self, step: u64) -> F;
}

registry! {
    /// Learning rate schedule: `{"type": "exponential_decay", "initial_learning_rate": 0.1,
    /// "decay_steps": 1000, "decay_rate": 0.9}`.
    #[derive(Debug, Clone, PartialEq)]
    Schedule, "a schedule", dyn Curve<F> {
        plain {}
        settings {
            ExponentialDecay = "exponential_decay",
            InverseTimeDecay = "inverse_time_decay",
            PolynomialDecay = "polynomial_decay",
            PiecewiseConstantDecay = "piecewise_constant_decay",
            CosineDecay = "cosine_decay",
            CosineDecayRestarts = "cosine_decay_restarts",
        }
    }
}

impl Schedule {
    /// Ranges of the settings; the pointer is below the schedule (`/decay_steps`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// The learning rate of a step, counted from 0.
    pub fn rate<F: Real>(&self, step: u64) -> F {
        self.behaviour::<F>().rate(step)
    }
}

/// `step / length`, rounded down with `staircase`.
fn progress(step: u64, length: f64, staircase: bool) -> f64 {
    let part = step as f64 / length;
    if staircase { part.floor() } else { part }
}

#[cfg(test)]
mod tests;
