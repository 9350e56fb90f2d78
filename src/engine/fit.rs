//! The training loop, its events, its callbacks.

use crate::engine::{loss::Loss, metric::Metric, network::Network, optimizer::Optimizer, real::Real};
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
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
    /// The loss.
    pub loss: Loss,
    /// Reported beside the loss, in this order.
    pub metrics: Vec<Metric>,
    /// Whether the rows are put in a new order each epoch.
    pub shuffle: bool,
    /// Where all randomness of the fit comes from.
    pub seed: u64,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// Compute threads; the result has the same bits for every number.
    pub threads: usize,
}

/// Keras's `EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// `loss`, `val_loss`, a metric's name or `val_` before it.
    pub monitor: String,
    /// Epochs without improvement before stopping.
    pub patience: u32,
    /// Less than this is no improvement.
    pub min_delta: f64,
    /// Whether less or more is better; `auto` goes by the monitor's name.
    pub mode: Mode,
    /// Go back to the weights of the best epoch.
    pub restore_best_weights: bool,
    /// Stop where the monitor has not reached this.
    pub baseline: Option<f64>,
    /// Epochs before watching begins.
    pub start_from_epoch: u32,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            monitor: "val_loss".into(),
            patience: 0,
            min_delta: 0.0,
            mode: Mode::Auto,
            restore_best_weights: false,
            baseline: None,
            start_from_epoch: 0,
        }
    }
}

/// Which direction of a monitored value is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By name: accuracies, AUC, precision, recall, F1 and R2 up, the rest down.
    #[default]
    Auto,
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

/// Rows to learn from or to measure on.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a, F> {
    /// [rows, input cells]
    pub x: ArrayView2<'a, F>,
    /// [rows, target cells]; a class index as a number for sparse losses.
    pub y: ArrayView2<'a, F>,
    /// [rows]: each row's part in the loss; 1 where absent.
    pub weights: Option<ArrayView1<'a, F>>,
}

/// What one epoch came to.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: u32,
    /// `loss` first, the metrics in the plan's order, then the same with `val_` where there is validation data.
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

/// Why a sink asks a fit to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Discard everything.
    Cancel,
}

/// Progress out, stop requests in.
pub trait EventSink {
    /// After each step; must be cheap. Not called after an epoch's last step.
    fn step(&mut self, progress: Progress) -> ControlFlow<Stop>;
    /// After each epoch.
    fn epoch(&mut self, report: EpochReport) -> ControlFlow<Stop>;
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
    Stopped(Stop),
    #[error("early stopping monitors `{monitor}`, which is not among {known:?}")]
    UnknownMonitor { monitor: String, known: Vec<String> },
}

/// Trains `network` in place.
pub fn fit<F: Real>(
    _network: &mut Network<F>,
    _plan: &FitPlan,
    _training: Samples<'_, F>,
    _validation: Option<Samples<'_, F>>,
    _sink: &mut dyn EventSink,
) -> Result<Fitted, FitError> {
    todo!()
}
