//! [`AdamW`].

use super::{Adam, ElementwiseRule, Form, Options, Step, UpdateRule};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// [`Adam`] with a default `weight_decay` of 0.004.
///
/// Source: <https://keras.io/api/optimizers/adamw/>, <https://arxiv.org/abs/1711.05101>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// Exponential decay rate of the 1st moment estimates, 0 to less than 1.
    pub beta_1: f64,
    /// Exponential decay rate of the 2nd moment estimates, 0 to less than 1.
    pub beta_2: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
    /// Whether to apply the AMSGrad variant.
    pub amsgrad: bool,
}

impl Default for AdamW {
    fn default() -> Self {
        let Adam { beta_1, beta_2, epsilon, amsgrad } = Adam::default();
        Self { beta_1, beta_2, epsilon, amsgrad }
    }
}

impl AdamW {
    fn adam(&self) -> Adam {
        let Self { beta_1, beta_2, epsilon, amsgrad } = *self;
        Adam { beta_1, beta_2, epsilon, amsgrad }
    }
}

impl<F: Real> UpdateRule<F> for AdamW {
    fn check(&self) -> Result<(), FieldError> {
        UpdateRule::<F>::check(&self.adam())
    }

    fn defaults(&self) -> Options {
        Options { weight_decay: Some(4e-3), ..Options::default() }
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for AdamW {
    fn slots(&self) -> usize {
        ElementwiseRule::<F>::slots(&self.adam())
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        self.adam().step(step, weights, gradient, slots);
    }
}
