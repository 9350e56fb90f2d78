//! [`AdamW`].

use super::{Adam, Rule, Step};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// [`Adam`] with weight decay: `w -= learning_rate * weight_decay * w` before each step.
///
/// Source: <https://keras.io/api/optimizers/adamw/>, <https://arxiv.org/abs/1711.05101>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// The size of a step, more than 0.
    pub learning_rate: f64,
    /// The part of each weight, times the learning rate, that is taken away each step.
    pub weight_decay: f64,
    /// How slowly the mean gradient changes, 0 to less than 1.
    pub beta_1: f64,
    /// How slowly the mean squared gradient changes, 0 to less than 1.
    pub beta_2: f64,
    /// Keeps the division finite, more than 0.
    pub epsilon: f64,
    /// Whether the largest mean square counts.
    pub amsgrad: bool,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { learning_rate: 1e-3, weight_decay: 4e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

impl AdamW {
    fn adam(&self) -> Adam {
        Adam {
            learning_rate: self.learning_rate,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            amsgrad: self.amsgrad,
            weight_decay: Some(self.weight_decay),
        }
    }
}

impl<F: Real> Rule<F> for AdamW {
    fn check(&self) -> Result<(), FieldError> {
        Rule::<F>::check(&self.adam())
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> usize {
        Rule::<F>::slots(&self.adam())
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        self.adam().step(step, weights, gradient, slots);
    }
}
