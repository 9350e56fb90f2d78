//! [`Adam`].

use super::{Cells, Form, Step, Update, power};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `m += (g - m) (1 - beta_1); v += (g^2 - v) (1 - beta_2); w -= a m / (sqrt(v) + epsilon)` with
/// `a = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)` in step t.
///
/// With `amsgrad`, v in the last formula is the largest so far of each weight.
///
/// Source: <https://keras.io/api/optimizers/adam/>, <https://arxiv.org/abs/1412.6980>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// How slowly the mean gradient changes, 0 to less than 1.
    pub beta_1: f64,
    /// How slowly the mean squared gradient changes, 0 to less than 1.
    pub beta_2: f64,
    /// Keeps the division finite, more than 0.
    pub epsilon: f64,
    /// Whether the largest mean square counts.
    pub amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

impl<F: Real> Update<F> for Adam {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/beta_1", self.beta_1)?;
        check::below_one("/beta_2", self.beta_2)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Cells(self)
    }
}

impl<F: Real> Cells<F> for Adam {
    fn slots(&self) -> usize {
        2 + usize::from(self.amsgrad)
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let (alpha, decay, epsilon) = (self.corrected_rate(step), step.decay, F::of(self.epsilon));
        let (first, second) = (F::of(1.0 - self.beta_1), F::of(1.0 - self.beta_2));
        // What is stored is not read again at once: it would have to go through memory.
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
    /// The learning rate that makes up for moments that began at zero.
    fn corrected_rate<F: Real>(&self, step: Step<F>) -> F {
        let first: F = power(self.beta_1, step.clock.iteration);
        let second: F = power(self.beta_2, step.clock.iteration);
        step.learning_rate * (F::ONE - second).sqrt() / (F::ONE - first)
    }
}
