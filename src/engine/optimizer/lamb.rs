//! [`Lamb`].

use super::{Form, Step, TensorInfo, TensorRule, UpdateRule, power, updater::squares};
use crate::engine::{
    field::FieldError,
    kernel::vectorized,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// [`Adam`](super::Adam) with a learning rate per tensor, its trust ratio: with m and v as there,
/// `u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon); w -= learning_rate |w| / |u| u` in step t.
///
/// |w| and |u| are norms of whole tensors; if one of them is 0 their quotient is 1.
///
/// Source: <https://keras.io/api/optimizers/lamb/>, <https://arxiv.org/abs/1904.00962>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lamb {
    /// Exponential decay rate of the 1st moment estimates, 0 to less than 1.
    pub beta_1: f64,
    /// Exponential decay rate of the 2nd moment estimates, 0 to less than 1.
    pub beta_2: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon: f64,
}

impl Default for Lamb {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl<F: Real> UpdateRule<F> for Lamb {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/beta_1", self.beta_1)?;
        check::below_one("/beta_2", self.beta_2)?;
        check::positive("/epsilon", self.epsilon)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Tensor(self)
    }
}

impl<F: Real> TensorRule<F> for Lamb {
    fn memory(&self, tensor: TensorInfo<'_>) -> usize {
        2 * tensor.shape.elements()
    }

    fn step(&self, step: Step<F>, tensor: TensorInfo<'_>, weights: &mut [F], gradient: &mut [F], memory: &mut [F]) {
        let (m, v) = memory.split_at_mut(tensor.shape.elements());
        let (decay, epsilon) = (step.decay, F::of(self.epsilon));
        let (first, second) = (F::of(1.0 - self.beta_1), F::of(1.0 - self.beta_2));
        let of_mean = F::ONE - power::<F>(self.beta_1, step.clock.iteration);
        let of_square = F::ONE - power::<F>(self.beta_2, step.clock.iteration);
        vectorized(
            #[inline(always)]
            || {
                for ((w, g), (m, v)) in weights.iter_mut().zip(&mut *gradient).zip(m.iter_mut().zip(v.iter_mut())) {
                    *m = (*g - *m).mul_add(first, *m).flushed();
                    *v = (*g * *g - *v).mul_add(second, *v).flushed();
                    *g = (*m / of_mean) / ((*v / of_square).sqrt() + epsilon);
                    *w = *w - decay * *w;
                }
            },
        );
        let (of_weights, of_update) = (squares(weights).sqrt(), squares(gradient).sqrt());
        let trust = if of_weights > 0.0 && of_update > 0.0 { of_weights / of_update } else { 1.0 };
        let rate = F::of(trust) * step.learning_rate;
        vectorized(
            #[inline(always)]
            || weights.iter_mut().zip(&*gradient).for_each(|(w, &update)| *w -= rate * update),
        );
    }
}
