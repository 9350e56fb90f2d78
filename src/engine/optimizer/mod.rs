//! Optimizers: Keras's names, defaults and arithmetic. Settings are immutable; the state is in an [`Updater`].
//!
//! A new optimizer is one file and one row below; the parity tests require a fixture for it.

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

/// Optimizer. A name (`"adam"`) or settings (`{"type": "sgd", "learning_rate": 0.1}`).
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    /// The update rule.
    pub rule: Rule,
    /// The options that every optimizer has.
    pub options: Options,
}

registry! {
    /// The update rule of an optimizer.
    #[derive(Debug, Clone, PartialEq)]
    Rule, "an optimizer", dyn UpdateRule<F> {
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

/// Implemented by the settings of every optimizer.
trait UpdateRule<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError>;
    /// The defaults of the options.
    fn defaults(&self) -> Options {
        Options::default()
    }
    /// Updates the state that all weights share, before each step.
    fn advance(&self, _clock: &mut Clock) {}
    /// Whether it updates weights elementwise or tensor by tensor.
    fn form(&self) -> Form<'_, F>;
}

/// The two forms of an update rule.
enum Form<'a, F> {
    /// Elementwise: any partition of the weights has the same bits.
    Elementwise(&'a dyn ElementwiseRule<F>),
    /// Tensor by tensor.
    Tensor(&'a dyn TensorRule<F>),
}

/// An elementwise update rule.
trait ElementwiseRule<F>: Sync {
    /// Values of state per weight.
    fn slots(&self) -> usize;
    /// Initial value of a slot.
    fn first(&self, _slot: usize) -> f64 {
        0.0
    }
    /// One step of a range of weights.
    fn step(&self, step: Step<F>, weights: &mut [F], gradient: &[F], slots: &mut [&mut [F]]);
}

/// An update rule that needs the tensor's shape, or sums over the tensor.
trait TensorRule<F>: Sync {
    /// Values of state per tensor, including scratch memory of a step. Initially 0.
    fn memory(&self, tensor: TensorInfo<'_>) -> usize;
    /// One step of a tensor. The gradient may be overwritten.
    fn step(&self, step: Step<F>, tensor: TensorInfo<'_>, weights: &mut [F], gradient: &mut [F], memory: &mut [F]);
}

/// Name and shape of a tensor.
#[derive(Debug, Clone, Copy)]
struct TensorInfo<'a> {
    /// `layer/parameter`
    name: &'a str,
    shape: &'a Shape,
}

/// State that all weights share.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// Number of weight updates, including this one.
    iteration: u64,
    /// Product of the momenta of all updates, for [`Nadam`].
    product: f64,
}

/// The inputs of a step.
#[derive(Debug, Clone, Copy)]
struct Step<F> {
    clock: Clock,
    learning_rate: F,
    /// Weight decay times the learning rate: the fraction of each weight that is subtracted before the step.
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
    /// All names.
    pub const NAMES: &'static [&'static str] = Rule::NAMES;

    /// Every optimizer with its default settings.
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

    /// The learning rate.
    pub fn learning_rate(&self) -> &LearningRate {
        &self.options.learning_rate
    }

    /// Whether a step needs the whole gradient of a tensor before it updates a weight.
    pub fn needs_whole_gradient(&self) -> bool {
        self.options.clips_by_norm() || matches!(self.rule.behaviour::<f32>().form(), Form::Tensor(_))
    }

    /// Values of state for a tensor of this name (`layer/parameter`) and shape.
    pub fn memory(&self, name: &str, shape: &Shape) -> usize {
        let kept = match self.rule.behaviour::<f32>().form() {
            Form::Elementwise(rule) => shape.elements() * rule.slots(),
            Form::Tensor(rule) => rule.memory(TensorInfo { name, shape }),
        };
        kept + shape.elements() * self.options.copies()
    }
}

/// `base` to the power of `iteration`, rounded as in Keras.
fn power<F: Real>(base: f64, iteration: u64) -> F {
    F::of(F::of(base).to_f64().powi(i32::try_from(iteration).unwrap_or(i32::MAX)))
}
