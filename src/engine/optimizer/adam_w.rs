//! [`AdamW`].

use super::{Adam, Cells, Form, Options, Step, Update};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// [`Adam`] with a `weight_decay` of 0.004 where a client names none.
///
/// Source: <https://keras.io/api/optimizers/adamw/>, <https://arxiv.org/abs/1711.05101>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
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

impl<F: Real> Update<F> for AdamW {
    fn check(&self) -> Result<(), FieldError> {
        Update::<F>::check(&self.adam())
    }

    fn defaults(&self) -> Options {
        Options { weight_decay: Some(4e-3), ..Options::default() }
    }

    fn form(&self) -> Form<'_, F> {
        Form::Cells(self)
    }
}

impl<F: Real> Cells<F> for AdamW {
    fn slots(&self) -> usize {
        Cells::<F>::slots(&self.adam())
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        self.adam().step(step, weights, gradient, slots);
    }
}
