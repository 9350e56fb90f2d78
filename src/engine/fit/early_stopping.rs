//! [`EarlyStopping`].

use super::monitor::{Comparison, Mode};
use crate::engine::{field::FieldError, metric::Better, real::check};
use serde::{Deserialize, Serialize};

/// Keras's `EarlyStopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// `loss`, `val_loss`, a metric's name or `val_` before it.
    pub monitor: String,
    /// Number of epochs without improvement after which training stops.
    pub patience: u32,
    /// Minimum change that counts as an improvement.
    pub min_delta: f64,
    /// Whether less or more is better; `auto` infers it from the monitored value.
    pub mode: Mode,
    /// Whether to restore the weights of the best epoch.
    pub restore_best_weights: bool,
    /// Stop where the monitored value does not improve on this baseline.
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

/// What early stopping remembers from epoch to epoch.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    settings: &'a EarlyStopping,
    comparison: Comparison,
    best: Option<f64>,
    best_epoch: u32,
    wait: u32,
}

/// What an epoch's monitored value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The weights are the best so far.
    pub best: bool,
    /// Training ends here.
    pub stop: bool,
}

impl<'a> Watch<'a> {
    pub fn new(settings: &'a EarlyStopping, better: Better) -> Self {
        let comparison = Comparison { better, min_delta: settings.min_delta };
        Self { settings, comparison, best: None, best_epoch: 0, wait: 0 }
    }

    /// The best epoch so far, from 1; 0 before there was one.
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
            // An epoch may be the best so far, and still not as good as it must be for the patience to begin anew.
            if self.comparison.improves(value, self.settings.baseline) {
                self.wait = 0;
            }
            return Verdict { best: true, stop: false };
        }
        Verdict { best: false, stop: self.wait >= self.settings.patience && epoch > 1 }
    }
}
