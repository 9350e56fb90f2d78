//! [`EarlyStopping`].

use super::monitor::{Comparison, Mode};
use crate::engine::{field::FieldError, metric::Goal, real::check, state::Codec};
use serde::{Deserialize, Serialize};
use std::io;

/// Stops training when a monitored value has stopped improving: Keras's `EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// The value to monitor: `loss`, `val_loss`, or the name of a metric, with `val_` for validation.
    pub monitor: String,
    /// Number of epochs without improvement after which training stops.
    pub patience: u32,
    /// Minimum change that counts as an improvement.
    pub min_delta: f64,
    /// Whether smaller or greater values are better; `auto` infers it from the monitor.
    pub mode: Mode,
    /// Whether to restore the weights of the best epoch.
    pub restore_best_weights: bool,
    /// Value that the monitor must improve on for the patience to restart.
    pub baseline: Option<f64>,
    /// Number of epochs before monitoring starts.
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

impl EarlyStopping {
    /// Ranges of the settings.
    pub fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/min_delta", self.min_delta)
    }
}

/// State of [`EarlyStopping`].
#[derive(Debug)]
pub(super) struct EarlyStoppingState<'a> {
    settings: &'a EarlyStopping,
    comparison: Comparison,
    best: Option<f64>,
    best_epoch: u32,
    wait: u32,
}

/// The outcome of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether its weights are the best so far.
    pub best: bool,
    /// Whether training ends.
    pub stop: bool,
}

impl<'a> EarlyStoppingState<'a> {
    pub fn new(settings: &'a EarlyStopping, goal: Goal) -> Self {
        let comparison = Comparison { goal, min_delta: settings.min_delta };
        Self { settings, comparison, best: None, best_epoch: 0, wait: 0 }
    }

    /// Writes or reads everything that continues from epoch to epoch.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        codec.optional(&mut self.best)?;
        codec.small_count(&mut self.best_epoch)?;
        codec.small_count(&mut self.wait)
    }

    /// The best epoch so far, from 1; 0 if there is none.
    pub fn best_epoch(&self) -> u32 {
        self.best_epoch
    }

    /// `epoch` counts from 1.
    pub fn observe(&mut self, epoch: u32, value: f64) -> Verdict {
        if epoch <= self.settings.start_from_epoch {
            return Verdict { best: false, stop: false };
        }
        self.wait += 1;
        if self.comparison.improves(value, self.best) {
            self.best = Some(value);
            self.best_epoch = epoch;
            // As in Keras, patience restarts only if the baseline is improved on, too.
            if self.comparison.improves(value, self.settings.baseline) {
                self.wait = 0;
            }
            return Verdict { best: true, stop: false };
        }
        Verdict { best: false, stop: self.wait >= self.settings.patience && epoch > 1 }
    }
}
