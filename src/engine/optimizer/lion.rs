//! [`Lion`].

use super::{ElementwiseRule, Form, Step, UpdateRule};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `w -= learning_rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g`.
///
/// Source: <https://keras.io/api/optimizers/lion/>, <https://arxiv.org/abs/2302.06675>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// Rate to combine the gradient and the momentum, more than 0 to 1.
    pub beta_1: f64,
    /// Exponential decay rate of the momentum, 0 to 1.
    pub beta_2: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.99 }
    }
}

impl<F: Real> UpdateRule<F> for Lion {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/beta_1", self.beta_1)?;
        check::fraction("/beta_1", self.beta_1)?;
        check::fraction("/beta_2", self.beta_2)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Lion {
    fn slots(&self) -> usize {
        1
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let [m, ..] = slots else { return };
        let (rate, decay) = (step.learning_rate, step.decay);
        let (first, second) = (F::of(self.beta_1), F::of(self.beta_2));
        sweep(
            [weights, m],
            gradient,
            #[inline(always)]
            |[w, m], g| {
                for ((w, &g), m) in w.iter_mut().zip(g).zip(m) {
                    let direction = (*m * first + g * (F::ONE - first)).sign();
                    *w = (*w - decay * *w) - rate * direction;
                    *m = (*m * second + g * (F::ONE - second)).flushed();
                }
            },
        );
    }
}
