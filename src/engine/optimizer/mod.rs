//! Optimizers: Keras's names, defaults and arithmetic. Settings are immutable; what is kept from step to step is an
//! [`Updater`]'s.
//!
//! A new optimizer is one file and one line below; the parity fixture then asks for it.

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adam_w;
mod adamax;
mod ftrl;
mod json;
mod lamb;
mod lion;
mod muon;
mod nadam;
mod options;
mod rmsprop;
mod sgd;
mod updater;

pub use adadelta::Adadelta;
pub use adafactor::Adafactor;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adam_w::AdamW;
pub use adamax::Adamax;
pub use ftrl::Ftrl;
pub use lamb::Lamb;
pub use lion::Lion;
pub use muon::Muon;
pub use nadam::Nadam;
pub use options::Options;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub use updater::Updater;

use crate::engine::{field::FieldError, real::Real, registry::registry, schedule::LearningRate, shape::Shape};

/// What turns gradients into new weights. A name (`"adam"`) or settings (`{"type": "sgd", "learning_rate": 0.1}`).
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    /// How a gradient moves a weight.
    pub rule: Rule,
    /// What every optimizer has beside its rule.
    pub options: Options,
}

registry! {
    /// How a gradient moves a weight.
    #[derive(Debug, Clone, PartialEq)]
    Rule, "an optimizer", dyn Update {
        plain {}
        settings {
            Sgd = "sgd",
            Adam = "adam",
            AdamW = "adamw",
            Adamax = "adamax",
            Nadam = "nadam",
            RmsProp = "rmsprop",
            Adagrad = "adagrad",
            Adadelta = "adadelta",
            Ftrl = "ftrl",
            Lion = "lion",
            Lamb = "lamb",
            Adafactor = "adafactor",
            Muon = "muon",
        }
    }
}

/// What every optimizer's settings implement.
trait Update<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError>;
    /// The options that hold where a client names none.
    fn defaults(&self) -> Options {
        Options::default()
    }
    /// Before each step, what is the same for all weights.
    fn advance(&self, _clock: &mut Clock) {}
    /// How it works on weights.
    fn form(&self) -> Form<'_, F>;
}

/// How a rule works on weights.
enum Form<'a, F> {
    /// One by one, so that any cut of the weights gives the same bits.
    Cells(&'a dyn Cells<F>),
    /// A whole tensor at once.
    Tensors(&'a dyn Tensors<F>),
}

/// A rule that works on weights one by one.
trait Cells<F>: Sync {
    /// Values kept for each weight.
    fn slots(&self) -> usize;
    /// The first value of a slot.
    fn first(&self, _slot: usize) -> f64 {
        0.0
    }
    /// One step of some weights.
    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]);
}

/// A rule that needs a tensor's shape, or sums over all of it.
trait Tensors<F>: Sync {
    /// Values kept for a tensor, those that a step needs for itself among them. All are 0 at first.
    fn memory(&self, tensor: Place<'_>) -> usize;
    /// One step of a tensor. The gradient is not read afterwards.
    fn step(&self, step: Step<F>, tensor: Place<'_>, weights: &mut [F], gradient: &mut [F], memory: &mut [F]);
}

/// What is known of a tensor.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    /// `layer/parameter`
    name: &'a str,
    shape: &'a Shape,
}

/// What passes from step to step for all weights alike.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// Steps that moved weights, this one among them.
    iteration: u64,
    /// A product over all of them, for the rule that wants one.
    product: f64,
}

/// What a rule is told of a step.
#[derive(Debug, Clone, Copy)]
struct Step<F> {
    clock: Clock,
    learning_rate: F,
    /// The part of each weight that is taken away before the step: 0 without weight decay.
    decay: F,
}

impl From<Rule> for Optimizer {
    fn from(rule: Rule) -> Self {
        let options = rule.behaviour::<f32>().defaults();
        Self { rule, options }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Rule::Adam(Adam::default()).into()
    }
}

impl Optimizer {
    /// Every name.
    pub const NAMES: &'static [&'static str] = Rule::NAMES;

    /// One of each, with its default settings.
    pub fn every() -> Vec<Self> {
        Rule::every().into_iter().map(Self::from).collect()
    }

    /// The name of its kind (`type` in JSON).
    pub fn kind(&self) -> &'static str {
        self.rule.kind()
    }

    /// Ranges of the settings; the pointer is below the optimizer (`/learning_rate`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.options.check()?;
        self.rule.behaviour::<f32>().check()
    }

    /// The settings' learning rate.
    pub fn learning_rate(&self) -> &LearningRate {
        &self.options.learning_rate
    }

    /// Whether a step reads all of a tensor's gradient before it moves a weight.
    pub fn needs_whole_gradient(&self) -> bool {
        self.options.clips_by_norm() || matches!(self.rule.behaviour::<f32>().form(), Form::Tensors(_))
    }

    /// Values that are kept from step to step for a tensor of this name (`layer/parameter`) and shape.
    pub fn memory(&self, name: &str, shape: &Shape) -> usize {
        let kept = match self.rule.behaviour::<f32>().form() {
            Form::Cells(rule) => shape.cells() * rule.slots(),
            Form::Tensors(rule) => rule.memory(Place { name, shape }),
        };
        kept + shape.cells() * self.options.copies()
    }
}

/// `base` to the power of the iteration, rounded as Keras rounds it.
fn power<F: Real>(base: f64, iteration: u64) -> F {
    F::of(F::of(base).to_f64().powi(i32::try_from(iteration).unwrap_or(i32::MAX)))
}
