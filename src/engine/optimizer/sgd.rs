//! [`Sgd`].

use super::{Rule, Step};
use crate::engine::{
    field::FieldError,
    kernel::vectorized,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Gradient descent: `w -= learning_rate * g`.
///
/// With momentum: `v = momentum * v - learning_rate * g; w += v`, and with Nesterov's form
/// `w += momentum * v - learning_rate * g`.
///
/// Source: <https://keras.io/api/optimizers/sgd/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The size of a step, more than 0.
    pub learning_rate: f64,
    /// How much of the last step is kept, 0 to less than 1.
    pub momentum: f64,
    /// Whether the gradient is followed from where the momentum leads.
    pub nesterov: bool,
    /// The part of each weight, times the learning rate, that is taken away each step.
    pub weight_decay: Option<f64>,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.01, momentum: 0.0, nesterov: false, weight_decay: None }
    }
}

impl<F: Real> Rule<F> for Sgd {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/momentum", self.momentum)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay.unwrap_or(0.0)
    }

    fn slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let (rate, decay, momentum) = (step.learning_rate, step.decay, F::of(self.momentum));
        let weights = weights.iter_mut().zip(gradient);
        vectorized(
            #[inline(always)]
            || match slots {
                [velocity, ..] if self.nesterov => {
                    for ((w, &g), v) in weights.zip(velocity.iter_mut()) {
                        *v = momentum * *v - rate * g;
                        *w = (*w - decay * *w) + (momentum * *v - rate * g);
                    }
                }
                [velocity, ..] => {
                    for ((w, &g), v) in weights.zip(velocity.iter_mut()) {
                        *v = momentum * *v - rate * g;
                        *w = (*w - decay * *w) + *v;
                    }
                }
                [] => {
                    for (w, &g) in weights {
                        *w = (*w - decay * *w) - rate * g;
                    }
                }
            },
        );
    }
}
