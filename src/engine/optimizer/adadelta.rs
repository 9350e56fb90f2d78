//! [`Adadelta`].

use super::{ElementwiseRule, Form, Step, UpdateRule};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `v = rho v + (1 - rho) g^2; d = g sqrt(u + epsilon) / sqrt(v + epsilon); u = rho u + (1 - rho) d^2;
/// w -= learning_rate d`.
///
/// Source: <https://keras.io/api/optimizers/adadelta/>, <https://arxiv.org/abs/1212.5701>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adadelta {
    /// Decay rate of both moving averages, 0 to less than 1.
    pub rho: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
}

impl Default for Adadelta {
    fn default() -> Self {
        Self { rho: 0.95, epsilon: 1e-7 }
    }
}

impl<F: Real> UpdateRule<F> for Adadelta {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/rho", self.rho)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Adadelta {
    fn slots(&self) -> usize {
        2
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let [v, u, ..] = slots else { return };
        let (rate, decay, epsilon) = (step.learning_rate, step.decay, F::of(self.epsilon));
        let (rho, fresh) = (F::of(self.rho), F::of(1.0 - self.rho));
        sweep(
            [weights, v, u],
            gradient,
            #[inline(always)]
            |[w, v, u], g| {
                for ((w, &g), (v, u)) in w.iter_mut().zip(g).zip(v.iter_mut().zip(u)) {
                    *v = (rho * *v + fresh * (g * g)).flushed();
                    let delta = (*u + epsilon).sqrt() * g / (*v + epsilon).sqrt();
                    *u = (rho * *u + fresh * (delta * delta)).flushed();
                    *w = (*w - decay * *w) - rate * delta;
                }
            },
        );
    }
}
