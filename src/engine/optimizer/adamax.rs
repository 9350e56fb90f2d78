//! [`Adamax`].

use super::{ElementwiseRule, Form, Step, UpdateRule, power};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `m += (g - m) (1 - beta_1); u = max(beta_2 u, |g|); w -= learning_rate m / ((1 - beta_1^t) (u + epsilon))` in step
/// t: [`Adam`](super::Adam) with the largest gradient in place of the mean square.
///
/// Source: <https://keras.io/api/optimizers/adamax/>, <https://arxiv.org/abs/1412.6980>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adamax {
    /// Exponential decay rate of the 1st moment estimates, 0 to less than 1.
    pub beta_1: f64,
    /// Exponential decay rate of the weighted infinity norm, 0 to less than 1.
    pub beta_2: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
}

impl Default for Adamax {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl<F: Real> UpdateRule<F> for Adamax {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/beta_1", self.beta_1)?;
        check::below_one("/beta_2", self.beta_2)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Adamax {
    fn slots(&self) -> usize {
        2
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let [m, u, ..] = slots else { return };
        let (rate, decay, epsilon) = (step.learning_rate, step.decay, F::of(self.epsilon));
        let (fresh, kept) = (F::of(1.0 - self.beta_1), F::of(self.beta_2));
        let correction = F::ONE - power::<F>(self.beta_1, step.clock.iteration);
        sweep(
            [weights, m, u],
            gradient,
            #[inline(always)]
            |[w, m, u], g| {
                for ((w, &g), (m, u)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(u)) {
                    let (mean, largest) = ((g - *m).mul_add(fresh, *m), (kept * *u).maximum(g.abs()));
                    *w = (*w - decay * *w) - rate * mean / (correction * (largest + epsilon));
                    (*m, *u) = (mean.flushed(), largest.flushed());
                }
            },
        );
    }
}
