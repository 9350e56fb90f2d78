//! What every layer is built on: the trait, the contexts it runs in, compositions, and checks of settings.

pub(crate) mod axes;
pub(crate) mod before_step;
pub(crate) mod bias_activation;
pub(crate) mod broadcast;
mod composition;
mod context;
mod layer;
mod moments;
mod parameter;
pub(crate) mod settings_checks;
pub(crate) mod transpose;

pub use axes::Axes;
pub use before_step::BeforeStep;
pub use composition::{Composition, Part, Source};
pub(crate) use context::Destination;
pub use context::{Backward, Forward, InputGradients, Others, ParameterGradients, Parameters, Pass, Reduce, Values};
pub use layer::{BatchReduction, Compute, InputScale, Layer, MaskRule, Origins, Workspace};
pub use moments::Moments;
pub use parameter::{Parameter, ParameterSpec};
