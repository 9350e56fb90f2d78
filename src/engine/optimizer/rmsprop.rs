//! [`RmsProp`].

use super::{ElementwiseRule, Form, Step, UpdateRule};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `v = rho v + (1 - rho) g^2; w -= learning_rate g / sqrt(v + epsilon)`.
///
/// With `centered`, the square of the mean gradient is subtracted from v. With momentum, the step is
/// `m = momentum m + learning_rate g / sqrt(v + epsilon)`.
///
/// Source: <https://keras.io/api/optimizers/rmsprop/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// Discounting factor of the squared gradients, 0 to less than 1.
    pub rho: f64,
    /// Momentum, 0 to less than 1.
    pub momentum: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
    /// Whether gradients are normalized by their estimated variance.
    pub centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false }
    }
}

impl<F: Real> UpdateRule<F> for RmsProp {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/rho", self.rho)?;
        check::below_one("/momentum", self.momentum)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for RmsProp {
    fn slots(&self) -> usize {
        1 + usize::from(self.momentum > 0.0) + usize::from(self.centered)
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let (rate, decay, epsilon) = (step.learning_rate, step.decay, F::of(self.epsilon));
        let (rho, fresh, momentum) = (F::of(self.rho), F::of(1.0 - self.rho), F::of(self.momentum));
        match (slots, self.centered) {
            ([v, m, mean], _) => {
                sweep(
                    [weights, v, m, mean],
                    gradient,
                    #[inline(always)]
                    |[w, v, m, mean], g| {
                        for ((w, &g), ((v, m), mean)) in w.iter_mut().zip(g).zip(v.iter_mut().zip(m).zip(mean)) {
                            *v = (rho * *v + fresh * (g * g)).flushed();
                            *mean = (rho * *mean + fresh * g).flushed();
                            *m = (momentum * *m + rate * g / (*v - *mean * *mean + epsilon).sqrt()).flushed();
                            *w = (*w - decay * *w) - *m;
                        }
                    },
                );
            }
            ([v, mean], true) => {
                sweep(
                    [weights, v, mean],
                    gradient,
                    #[inline(always)]
                    |[w, v, mean], g| {
                        for ((w, &g), (v, mean)) in w.iter_mut().zip(g).zip(v.iter_mut().zip(mean)) {
                            *v = (rho * *v + fresh * (g * g)).flushed();
                            *mean = (rho * *mean + fresh * g).flushed();
                            *w = (*w - decay * *w) - rate * g / (*v - *mean * *mean + epsilon).sqrt();
                        }
                    },
                );
            }
            ([v, m], false) => {
                sweep(
                    [weights, v, m],
                    gradient,
                    #[inline(always)]
                    |[w, v, m], g| {
                        for ((w, &g), (v, m)) in w.iter_mut().zip(g).zip(v.iter_mut().zip(m)) {
                            *v = (rho * *v + fresh * (g * g)).flushed();
                            *m = (momentum * *m + rate * g / (*v + epsilon).sqrt()).flushed();
                            *w = (*w - decay * *w) - *m;
                        }
                    },
                );
            }
            ([v], _) => {
                sweep(
                    [weights, v],
                    gradient,
                    #[inline(always)]
                    |[w, v], g| {
                        for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
                            *v = (rho * *v + fresh * (g * g)).flushed();
                            *w = (*w - decay * *w) - rate * g / (*v + epsilon).sqrt();
                        }
                    },
                );
            }
            _ => {}
        };
    }
}
