//! [`Sgd`].

use super::{Cells, Form, Options, Step, Update};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
    schedule::LearningRate,
};
use serde::{Deserialize, Serialize};

/// Gradient descent: `w -= learning_rate * g`.
///
/// With momentum: `v = momentum * v - learning_rate * g; w += v`, and with Nesterov's form
/// `w += momentum * v - learning_rate * g`.
///
/// Source: <https://keras.io/api/optimizers/sgd/>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// How much of the last step is kept, 0 to less than 1.
    pub momentum: f64,
    /// Whether the gradient is followed from where the momentum leads.
    pub nesterov: bool,
}

impl<F: Real> Update<F> for Sgd {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/momentum", self.momentum)
    }

    fn defaults(&self) -> Options {
        Options { learning_rate: LearningRate::Constant(0.01), ..Options::default() }
    }

    fn form(&self) -> Form<'_, F> {
        Form::Cells(self)
    }
}

impl<F: Real> Cells<F> for Sgd {
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
