//! [`Adam`].

use super::{ElementwiseRule, Form, Step, UpdateRule, power};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `m += (g - m) (1 - beta_1); v += (g^2 - v) (1 - beta_2); w -= a m / (sqrt(v) + epsilon)` with
/// `a = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)` in step t.
///
/// With `amsgrad`, v in the last formula is its elementwise maximum over all steps.
///
/// Source: <https://keras.io/api/optimizers/adam/>, <https://arxiv.org/abs/1412.6980>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// Exponential decay rate of the 1st moment estimates, 0 to less than 1.
    pub beta_1: f64,
    /// Exponential decay rate of the 2nd moment estimates, 0 to less than 1.
    pub beta_2: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
    /// Whether to apply the AMSGrad variant.
    pub amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

impl<F: Real> UpdateRule<F> for Adam {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/beta_1", self.beta_1)?;
        check::below_one("/beta_2", self.beta_2)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Adam {
    fn slots(&self) -> usize {
        2 + usize::from(self.amsgrad)
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let (alpha, decay, epsilon) = (self.corrected_rate(step), step.decay, F::of(self.epsilon));
        let (first, second) = (F::of(1.0 - self.beta_1), F::of(1.0 - self.beta_2));
        // Values are not read back after their store: that would wait for store forwarding.
        match slots {
            [m, v, largest, ..] => sweep(
                [weights, m, v, largest],
                gradient,
                #[inline(always)]
                |[w, m, v, largest], g| {
                    let moments = m.iter_mut().zip(v).zip(largest);
                    for ((w, &g), ((m, v), largest)) in w.iter_mut().zip(g).zip(moments) {
                        let (mean, square) = ((g - *m).mul_add(first, *m), (g * g - *v).mul_add(second, *v).flushed());
                        let greatest = largest.maximum(square);
                        *w = (*w - decay * *w) - alpha * mean / (greatest.sqrt() + epsilon);
                        (*m, *v, *largest) = (mean.flushed(), square, greatest);
                    }
                },
            ),
            [m, v] => sweep(
                [weights, m, v],
                gradient,
                #[inline(always)]
                |[w, m, v], g| {
                    for ((w, &g), (m, v)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(v)) {
                        let (mean, square) = ((g - *m).mul_add(first, *m), (g * g - *v).mul_add(second, *v));
                        *w = (*w - decay * *w) - alpha * mean / (square.sqrt() + epsilon);
                        (*m, *v) = (mean.flushed(), square.flushed());
                    }
                },
            ),
            _ => {}
        };
    }
}

impl Adam {
    /// The learning rate with the bias correction of the moments.
    fn corrected_rate<F: Real>(&self, step: Step<F>) -> F {
        let first: F = power(self.beta_1, step.clock.iteration);
        let second: F = power(self.beta_2, step.clock.iteration);
        step.learning_rate * (F::ONE - second).sqrt() / (F::ONE - first)
    }
}
