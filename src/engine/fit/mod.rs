//! The training loop, its callbacks and events.

mod early_stopping;
mod evaluate;
#[cfg(test)]
mod golden;
mod lane;
mod logged;
mod loss_rows;
mod losses;
mod memory;
mod monitor;
mod partition;
mod passes;
mod reduce_lr_on_plateau;
mod rescale;
mod sources;
mod state;
mod task;
#[cfg(test)]
mod tests;
mod train;
mod trainer;
mod update;
mod validation_freq;

pub use early_stopping::EarlyStopping;
pub use evaluate::evaluate;
pub use logged::{Logged, find_monitor, logged};
pub use memory::{TrainingMemory, keeps_best};
pub use monitor::Mode;
pub use reduce_lr_on_plateau::ReduceLrOnPlateau;
pub use rescale::Rescale;
pub use state::FitState;
pub use task::target_columns;
pub use train::{fit, resume};
pub use validation_freq::ValidationFreq;

use crate::engine::{loss::ReducedLoss, metric::Metric, optimizer::Optimizer};
use ndarray::{ArrayView1, ArrayView2};
use std::ops::ControlFlow;

/// The settings of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct FitPlan {
    /// Number of epochs, at least 1.
    pub epochs: u32,
    /// Rows per step; the last step of an epoch may have fewer.
    pub batch_size: usize,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The loss and the metrics of each output of the network, in order.
    pub outputs: Vec<OutputPlan>,
    /// Whether to shuffle the rows before each epoch.
    pub shuffle: bool,
    /// Seed of all random numbers of the fit.
    pub seed: u64,
    /// Stops before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// Reduces the learning rate. Requires a learning rate that is a number, not a schedule.
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// Whether a NaN or infinite loss ends the fit with the weights of the last complete epoch instead of failing it.
    pub terminate_on_nan: bool,
    /// The epochs after which the network is validated.
    pub validation_freq: ValidationFreq,
    /// Steps per epoch, at least 1; the next epoch continues where the last stopped. Default: one pass over all rows.
    pub steps_per_epoch: Option<usize>,
    /// Number of threads; the bits of the result do not depend on it.
    pub threads: usize,
}

/// The loss and the metrics of one output.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputPlan {
    /// Prefix of the names of its loss and metrics if there are several outputs.
    pub name: String,
    /// The loss; for an output that is not trained it only decides the form of the targets.
    pub loss: ReducedLoss,
    /// Whether it has a loss and targets.
    pub role: Role,
    /// Weight of the loss in the sum over the outputs; 1 for a single one.
    pub loss_weight: f64,
    /// The metrics, in the order in which they are reported.
    pub metrics: Vec<Metric>,
    /// How outputs and targets get the units in which metrics are reported: the steps of each target column; empty for none.
    pub rescale: Vec<Vec<Rescale>>,
}

impl OutputPlan {
    /// For the only output of a network.
    pub fn single(loss: ReducedLoss, metrics: Vec<Metric>) -> Self {
        Self { name: String::new(), loss, role: Role::Trained, loss_weight: 1.0, metrics, rescale: Vec::new() }
    }
}

/// Whether an output has a loss and targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its loss is a term of the total loss.
    Trained,
    /// It has targets for metrics, and no loss.
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

/// Rows to train or to validate on.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a, F> {
    /// [rows, columns of all inputs]: those of [`Architecture::with_columns`](crate::engine::spec::Architecture::with_columns)
    pub x: ArrayView2<'a, F>,
    /// [rows, target elements of all outputs concatenated]; a class index for sparse losses.
    pub y: ArrayView2<'a, F>,
    /// `[rows]`: the sample weights; 1 if absent.
    pub weights: Option<ArrayView1<'a, F>>,
}

/// The results of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: u32,
    /// `loss`, each output's loss if several have one, the metrics in the plan's order; then the same with `val_` if
    /// the epoch was validated.
    pub logs: Vec<(String, f64)>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// The best epoch so far, as [`Fitted::best_epoch`].
    pub best_epoch: u32,
}

/// Progress within an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Counts from 1.
    pub epoch: u32,
    /// Number of completed steps of this epoch.
    pub step: usize,
    /// Number of steps per epoch.
    pub steps: usize,
    /// Mean loss of this epoch so far.
    pub loss: f64,
}

/// Receives the progress of a fit; `Break` cancels it.
pub trait EventSink {
    /// Before the first step, once all memory is allocated.
    fn begin(&mut self) {}
    /// After each step; must be cheap. Not called after an epoch's last step.
    fn step(&mut self, progress: Progress) -> ControlFlow<()>;
    /// After each epoch.
    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()>;
    /// After each epoch that is not the last, before [`Self::epoch`]: its state, which may be written and continued by [`resume`].
    fn state(&mut self, _epoch: u32, _state: &mut dyn FitState) {}
    /// Whether the fit is to end with this epoch and have a result; asked after each epoch.
    fn ends_after(&self, _epoch: u32) -> bool {
        false
    }
    /// Whether a fit that [`Self::ends_after`] ends has the weights of its best epoch, where [`keeps_best`] says that they are kept.
    fn wants_best(&self) -> bool {
        false
    }
}

/// The result of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Number of completed epochs.
    pub epochs: u32,
    /// The epoch (from 1) with the best monitored value; without early stopping that with the lowest `val_loss`, or
    /// `loss` if there is no validation data.
    pub best_epoch: u32,
    /// The epoch whose weights the network has.
    pub kept_epoch: u32,
    /// The logs of that epoch.
    pub logs: Vec<(String, f64)>,
    /// Whether early stopping ended the fit.
    pub stopped_early: bool,
    /// Whether [`EventSink::ends_after`] ended the fit.
    pub finished_early: bool,
    /// The epoch whose weights were restored, if a NaN or infinite loss ended the fit.
    pub terminated: Option<u32>,
}

/// Why a fit has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages are the documentation")]
pub enum FitError {
    #[error(
        "the loss became {loss} in epoch {epoch} at learning rate {learning_rate}; try a smaller learning rate, or look for extreme values in the data"
    )]
    Diverged { epoch: u32, learning_rate: f64, loss: f64 },
    #[error("stopped on request")]
    Stopped,
    #[error("the fit cannot be continued: {0}")]
    State(String),
    #[error("expected the monitor to be one of {}, received `{monitor}`", .known.join(", "))]
    UnknownMonitor { monitor: String, known: Vec<String> },
    #[error("cannot infer the direction of `{monitor}`; set `mode` to `min` or `max`")]
    UndirectedMonitor { monitor: String },
}
