//! [`Nadam`].

use super::{Clock, ElementwiseRule, Form, Step, UpdateRule, power};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Decay of the momentum schedule.
const MOMENTUM_DECAY: f64 = 0.96;

/// [`Adam`](super::Adam) with Nesterov momentum: m and v as there, and in step t
/// `w -= learning_rate (u_(t+1) m / (1 - p_(t+1)) + (1 - u_t) g / (1 - p_t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)`
/// with `u_t = beta_1 (1 - 0.96^t / 2)` and `p_t = u_1 u_2 … u_t`.
///
/// Source: <https://keras.io/api/optimizers/Nadam/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Nadam {
    /// Exponential decay rate of the 1st moment estimates, 0 to less than 1.
    pub beta_1: f64,
    /// Exponential decay rate of the 2nd moment estimates, 0 to less than 1.
    pub beta_2: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
}

impl Default for Nadam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl Nadam {
    /// The momentum of a step.
    fn momentum(&self, iteration: u64) -> f64 {
        self.beta_1 * (1.0 - 0.5 * power::<f64>(MOMENTUM_DECAY, iteration))
    }
}

impl<F: Real> UpdateRule<F> for Nadam {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/beta_1", self.beta_1)?;
        check::below_one("/beta_2", self.beta_2)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn advance(&self, clock: &mut Clock) {
        clock.product *= self.momentum(clock.iteration);
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Nadam {
    fn slots(&self) -> usize {
        2
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let [m, v, ..] = slots else { return };
        let (rate, decay, epsilon) = (step.learning_rate, step.decay, F::of(self.epsilon));
        let (first, second) = (F::ONE - F::of(self.beta_1), F::ONE - F::of(self.beta_2));
        let Clock { iteration, product } = step.clock;
        let (now, next) = (self.momentum(iteration), self.momentum(iteration + 1));
        let of_mean = F::of(next / (1.0 - product * next));
        let of_gradient = F::of((1.0 - now) / (1.0 - product));
        let correction = F::ONE - power::<F>(self.beta_2, iteration);
        sweep(
            [weights, m, v],
            gradient,
            #[inline(always)]
            |[w, m, v], g| {
                for ((w, &g), (m, v)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(v)) {
                    let (mean, square) = ((g - *m).mul_add(first, *m), (g * g - *v).mul_add(second, *v));
                    let ahead = of_mean * mean + of_gradient * g;
                    *w = (*w - decay * *w) - ahead * rate / ((square / correction).sqrt() + epsilon);
                    (*m, *v) = (mean.flushed(), square.flushed());
                }
            },
        );
    }
}
