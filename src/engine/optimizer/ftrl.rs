//! [`Ftrl`].

use super::{ElementwiseRule, Form, Step, UpdateRule};
use crate::engine::{
    field::FieldError,
    kernel::sweep,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Follow the regularized leader, with `p = -learning_rate_power`, `l1 = l1_regularization_strength` and
/// `l2 = l2_regularization_strength + beta / (2 learning_rate)`:
///
/// `z += g + 2 l2_shrinkage w - ((v + g^2)^p - v^p) w / learning_rate; v += g^2;
/// w = (clip(z, -l1, l1) - z) / (v^p / learning_rate + 2 l2)`.
///
/// Source: <https://keras.io/api/optimizers/ftrl/>, <https://research.google/pubs/pub41159/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ftrl {
    /// How the learning rate decreases during training, at most 0; 0 for a constant rate.
    pub learning_rate_power: f64,
    /// Initial value of the accumulators, at least 0.
    pub initial_accumulator_value: f64,
    /// L1 regularization strength, at least 0.
    pub l1_regularization_strength: f64,
    /// L2 regularization strength, at least 0.
    pub l2_regularization_strength: f64,
    /// L2 shrinkage regularization strength, a penalty on the magnitude of the gradient, at least 0.
    pub l2_shrinkage_regularization_strength: f64,
    /// The beta of the paper, at least 0.
    pub beta: f64,
}

impl Default for Ftrl {
    fn default() -> Self {
        Self {
            learning_rate_power: -0.5,
            initial_accumulator_value: 0.1,
            l1_regularization_strength: 0.0,
            l2_regularization_strength: 0.0,
            l2_shrinkage_regularization_strength: 0.0,
            beta: 0.0,
        }
    }
}

impl<F: Real> UpdateRule<F> for Ftrl {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/learning_rate_power", self.learning_rate_power)?;
        if self.learning_rate_power > 0.0 {
            let detail = format!("expected a number of at most 0, received {:?}", self.learning_rate_power);
            return Err(FieldError::new("/learning_rate_power", detail));
        }
        check::not_negative("/initial_accumulator_value", self.initial_accumulator_value)?;
        check::not_negative("/l1_regularization_strength", self.l1_regularization_strength)?;
        check::not_negative("/l2_regularization_strength", self.l2_regularization_strength)?;
        check::not_negative("/l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength)?;
        check::not_negative("/beta", self.beta)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Elementwise(self)
    }
}

impl<F: Real> ElementwiseRule<F> for Ftrl {
    fn slots(&self) -> usize {
        2
    }

    fn first(&self, slot: usize) -> f64 {
        if slot == 0 { self.initial_accumulator_value } else { 0.0 }
    }

    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]) {
        let exponent = F::of(-self.learning_rate_power);
        if self.learning_rate_power == -0.5 {
            self.update(
                step,
                weights,
                gradient,
                slots,
                #[inline(always)]
                |v| v.sqrt(),
            );
        } else if self.learning_rate_power == 0.0 {
            self.update(
                step,
                weights,
                gradient,
                slots,
                #[inline(always)]
                |_| F::ONE,
            );
        } else {
            self.update(
                step,
                weights,
                gradient,
                slots,
                #[inline(always)]
                |v| (v.ln() * exponent).exp(),
            );
        }
    }
}

impl Ftrl {
    /// A step in which `power` computes `v^p`.
    #[inline(always)]
    fn update<F: Real>(
        &self,
        step: Step<F>,
        weights: &mut [F],
        gradient: &[F],
        slots: &mut [&mut [F]],
        power: impl Fn(F) -> F,
    ) {
        let [v, z, ..] = slots else { return };
        let (rate, decay) = (step.learning_rate, step.decay);
        let two = F::of(2.0);
        let (max, shrinkage) =
            (F::of(self.l1_regularization_strength), F::of(2.0 * self.l2_shrinkage_regularization_strength));
        let smoothing = two * (F::of(self.l2_regularization_strength) + F::of(self.beta) / (two * rate));
        sweep(
            [weights, v, z],
            gradient,
            #[inline(always)]
            |[w, v, z], g| {
                for ((w, &g), (v, z)) in w.iter_mut().zip(g).zip(v.iter_mut().zip(z)) {
                    let before = *w - decay * *w;
                    let sum = *v + g * g;
                    let powered = power(sum);
                    *z += (g + shrinkage * before) - (powered - power(*v)) / rate * before;
                    let clipped = (-max).maximum(max.minimum(*z));
                    *w = (clipped - *z) / (powered / rate + smoothing);
                    *v = sum;
                }
            },
        );
    }
}
