//! The training loop, its events, its callbacks.

mod cut;
mod early_stopping;
#[cfg(test)]
mod golden;
mod lane;
mod logged;
mod losses;
mod memory;
mod monitor;
mod passes;
mod reduce_lr_on_plateau;
mod sources;
#[cfg(test)]
mod tests;
mod train;
mod trainer;
mod update;
mod validation_freq;

pub use early_stopping::EarlyStopping;
pub use logged::{Logged, find_monitor, logged};
pub use memory::TrainingMemory;
pub use monitor::Mode;
pub use reduce_lr_on_plateau::ReduceLrOnPlateau;
pub use train::fit;
pub use validation_freq::ValidationFreq;

use crate::engine::{loss::ReducedLoss, metric::Metric, optimizer::Optimizer};
use ndarray::{ArrayView1, ArrayView2};
use std::ops::ControlFlow;

/// Everything that decides a fit but the data and the first weights.
#[derive(Debug, Clone, PartialEq)]
pub struct FitPlan {
    /// Times that every training row is seen; at least 1.
    pub epochs: u32,
    /// Rows of one step; the last step of an epoch may have fewer.
    pub batch_size: usize,
    /// The optimizer with its settings.
    pub optimizer: Optimizer,
    /// What each output of the network learns, in their order.
    pub outputs: Vec<OutputPlan>,
    /// Whether the rows are put in a new order each epoch.
    pub shuffle: bool,
    /// Where all randomness of the fit comes from.
    pub seed: u64,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// When to go on with smaller steps. Only beside a learning rate that is a number.
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// Whether a loss that is not finite ends the fit with the weights of the last whole epoch, in place of failing it.
    pub terminate_on_nan: bool,
    /// After which epochs validation rows are measured.
    pub validation_freq: ValidationFreq,
    /// Steps of an epoch, at least 1, which then goes on in the rows where the one before ended; all rows where absent.
    pub steps_per_epoch: Option<usize>,
    /// Compute threads; the result has the same bits for every number.
    pub threads: usize,
}

/// What one output learns.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputPlan {
    /// What goes before the names of its loss and metrics where there are several outputs.
    pub name: String,
    /// The loss; of an output that is not trained it says the form of the targets alone.
    pub loss: ReducedLoss,
    /// What is done with the loss and the targets.
    pub role: Role,
    /// The loss's part in the sum over the outputs; 1 for a single one.
    pub loss_weight: f64,
    /// Reported beside the loss, in this order.
    pub metrics: Vec<Metric>,
}

impl OutputPlan {
    /// What the one output of a network learns.
    pub fn single(loss: ReducedLoss, metrics: Vec<Metric>) -> Self {
        Self { name: String::new(), loss, role: Role::Trained, loss_weight: 1.0, metrics }
    }
}

/// What a fit does with an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its loss is a part of the whole loss.
    Trained,
    /// It has targets that metrics compare it with, and no loss.
    Measured,
    /// It has neither targets nor a loss.
    Untrained,
}

impl FitPlan {
    /// The outputs that have a loss.
    fn trained(&self) -> impl Iterator<Item = &OutputPlan> {
        self.outputs.iter().filter(|output| output.role == Role::Trained)
    }
}

/// Rows to learn from or to measure on.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a, F> {
    /// [rows, cells of every input one after the other]
    pub x: ArrayView2<'a, F>,
    /// [rows, target cells of every output one after the other]; a class index as a number for sparse losses.
    pub y: ArrayView2<'a, F>,
    /// `[rows]`: each row's part in the loss; 1 where absent.
    pub weights: Option<ArrayView1<'a, F>>,
}

/// What one epoch came to.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: u32,
    /// `loss` first (where several outputs have a loss each one's after it), the metrics in the plan's order, then the same with `val_`
    /// where validation data was measured.
    pub logs: Vec<(String, f64)>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
}

/// Where a fit stands within an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Counts from 1.
    pub epoch: u32,
    /// Steps of this epoch that are done.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Mean loss of this epoch so far.
    pub loss: f64,
}

/// Receives progress and reports, and may stop the fit: `Break` ends it without a result.
pub trait EventSink {
    /// Before the first step, once there is everything that steps work on.
    fn begin(&mut self) {}
    /// After each step; must be cheap. Not called after an epoch's last step.
    fn step(&mut self, progress: Progress) -> ControlFlow<()>;
    /// After each epoch.
    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()>;
}

/// How a fit ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Epochs that ran.
    pub epochs: u32,
    /// The epoch (from 1) whose monitored value was best; without early stopping the one with the least `val_loss`, or
    /// `loss` where there is no validation data.
    pub best_epoch: u32,
    /// The logs of the epoch whose weights the network now has.
    pub logs: Vec<(String, f64)>,
    /// Whether early stopping ended it.
    pub stopped_early: bool,
    /// The epoch whose weights were kept, where a loss that was not finite ended it.
    pub terminated: Option<u32>,
}

/// Why a fit has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum FitError {
    #[error(
        "the loss became {loss} in epoch {epoch} at learning rate {learning_rate}; try a smaller learning rate, or look for extreme values in the data"
    )]
    Diverged { epoch: u32, learning_rate: f64, loss: f64 },
    #[error("stopped on request")]
    Stopped,
    #[error("expected the monitor to be one of {}, received `{monitor}`", .known.join(", "))]
    UnknownMonitor { monitor: String, known: Vec<String> },
    #[error("cannot infer the direction of `{monitor}`; set `mode` to `min` or `max`")]
    UndirectedMonitor { monitor: String },
}
