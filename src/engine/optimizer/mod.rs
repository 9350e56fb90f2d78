//! Optimizers: Keras's names, defaults and arithmetic. Settings are immutable; moments are passed in.
//!
//! A new optimizer is one file and one line below; the parity fixture then asks for it.

mod adam;
mod adam_w;
mod rmsprop;
mod sgd;

pub use adam::Adam;
pub use adam_w::AdamW;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use crate::engine::{
    field::FieldError,
    real::{Real, check},
    registry::registry,
};

/// What every optimizer's settings implement.
trait Rule<F: Real> {
    /// Ranges of the settings but the learning rate and the weight decay.
    fn check(&self) -> Result<(), FieldError>;
    /// The settings' learning rate.
    fn learning_rate(&self) -> f64;
    /// How much of a weight is taken away a step, times the learning rate; 0 for none.
    fn weight_decay(&self) -> f64;
    /// Values kept for each weight.
    fn slots(&self) -> usize;
    /// One step.
    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]);
}

/// What an optimizer is told of a step.
#[derive(Debug, Clone, Copy)]
struct Step<F> {
    /// Counts from 1.
    iteration: u64,
    learning_rate: F,
    /// The part of each weight that is taken away before the step: 0 without weight decay.
    decay: F,
}

registry! {
    /// What turns gradients into new weights. A name (`"adam"`) or settings (`{"type": "sgd", "learning_rate": 0.1}`).
    #[derive(Debug, Clone, PartialEq)]
    Optimizer, "an optimizer", dyn Rule {
        plain {}
        settings {
            Sgd = "sgd",
            Adam = "adam",
            AdamW = "adamw",
            RmsProp = "rmsprop",
        }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

impl Optimizer {
    /// Ranges of the settings; the pointer is below the optimizer (`/learning_rate`).
    pub fn check(&self) -> Result<(), FieldError> {
        check::positive("/learning_rate", self.learning_rate())?;
        check::not_negative("/weight_decay", self.behaviour::<f32>().weight_decay())?;
        self.behaviour::<f32>().check()
    }

    /// The settings' learning rate.
    pub fn learning_rate(&self) -> f64 {
        self.behaviour::<f32>().learning_rate()
    }

    /// How many values an optimizer keeps for each weight (Adam: 2).
    pub fn slots(&self) -> usize {
        self.behaviour::<f32>().slots()
    }

    /// One step. `iteration` counts from 1; `slots` has [`Self::slots`] slices, each as long as `weights`, zero before
    /// the first step. Every optimizer here works elementwise, so any cut of the weights gives the same bits.
    pub fn step<F: Real>(
        &self,
        iteration: u64,
        learning_rate: F,
        weights: &mut [F],
        gradient: &[F],
        slots: &mut [&mut [F]],
    ) {
        let rule = self.behaviour::<F>();
        let decay = F::of(rule.weight_decay()) * learning_rate;
        rule.step(Step { iteration, learning_rate, decay }, weights, gradient, slots);
    }
}

/// `base` to the power of the iteration, rounded as Keras rounds it.
fn power<F: Real>(base: f64, iteration: u64) -> F {
    F::of(F::of(base).to_f64().powi(i32::try_from(iteration).unwrap_or(i32::MAX)))
}
