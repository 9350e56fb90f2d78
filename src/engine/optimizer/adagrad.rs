//! [`Adagrad`].

use super::{ElementwiseRule, Form, Step, UpdateRule};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `v += g^2; w -= learning_rate g / sqrt(v + epsilon)`.
///
/// Source: <https://keras.io/api/optimizers/adagrad/>, <https://jmlr.org/papers/v12/duchi11a.html>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// Initial value of the accumulators, at least 0.
    pub initial_accumulator_value: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self { initial_accumulator_value: 0.1, epsilon: 1e-7 }
    }
}

impl<F: Real> UpdateRule<F> for Adagrad {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/initial_accumulator_value", self.initial_accumulator_value)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Adagrad {
    fn slots(&self) -> usize {
        1
    }

    fn first(&self, _slot: usize) -> f64 {
        self.initial_accumulator_value
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let [v, ..] = slots else { return };
        let (rate, decay, epsilon) = (step.learning_rate, step.decay, F::of(self.epsilon));
        sweep(
            [weights, v],
            gradient,
            #[inline(always)]
            |[w, v], g| {
                for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
                    *v = g.mul_add(g, *v);
                    *w = (*w - decay * *w) - rate * g / (*v + epsilon).sqrt();
                }
            },
        );
    }
}
