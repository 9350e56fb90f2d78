//! [`Sgd`].

use super::{ElementwiseRule, Form, Options, Step, UpdateRule};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
    schedule::LearningRate,
};
use serde::{Deserialize, Serialize};

/// Gradient descent: `w -= learning_rate * g`.
///
/// With momentum: `v = momentum * v - learning_rate * g; w += v`, and with Nesterov momentum
/// `w += momentum * v - learning_rate * g`.
///
/// Source: <https://keras.io/api/optimizers/sgd/>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Momentum, 0 to less than 1.
    pub momentum: f64,
    /// Whether to apply Nesterov momentum.
    pub nesterov: bool,
}

impl<F: Real> UpdateRule<F> for Sgd {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/momentum", self.momentum)
    }

    fn defaults(&self) -> Options {
        Options { learning_rate: LearningRate::Constant(0.01), ..Options::default() }
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Sgd {
    fn slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let (rate, decay, momentum) = (step.learning_rate, step.decay, F::of(self.momentum));
        match slots {
            [velocity, ..] if self.nesterov => {
                sweep(
                    [weights, velocity],
                    gradient,
                    #[inline(always)]
                    |[w, velocity], g| {
                        for ((w, &g), v) in w.iter_mut().zip(g).zip(velocity) {
                            *v = (momentum * *v - rate * g).flushed();
                            *w = (*w - decay * *w) + (momentum * *v - rate * g);
                        }
                    },
                );
            }
            [velocity, ..] => {
                sweep(
                    [weights, velocity],
                    gradient,
                    #[inline(always)]
                    |[w, velocity], g| {
                        for ((w, &g), v) in w.iter_mut().zip(g).zip(velocity) {
                            *v = (momentum * *v - rate * g).flushed();
                            *w = (*w - decay * *w) + *v;
                        }
                    },
                );
            }
            [] => {
                sweep(
                    [weights],
                    gradient,
                    #[inline(always)]
                    |[w], g| {
                        for (w, &g) in w.iter_mut().zip(g) {
                            *w = (*w - decay * *w) - rate * g;
                        }
                    },
                );
            }
        };
    }
}
