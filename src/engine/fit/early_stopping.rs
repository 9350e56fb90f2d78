//! When to stop before the last epoch.

use serde::{Deserialize, Serialize};

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

impl EarlyStopping {
    /// Whether more of the monitored value is better.
    pub fn maximizes(&self) -> bool {
        self.mode.maximizes(&self.monitor)
    }
}

impl Mode {
    /// Whether more of the value `monitor` is better.
    pub fn maximizes(self, monitor: &str) -> bool {
        match self {
            Self::Min => false,
            Self::Max => true,
            Self::Auto => more_is_better(monitor),
        }
    }
}

fn more_is_better(monitor: &str) -> bool {
    const UP: [&str; 6] = ["accuracy", "auc", "precision", "recall", "f1", "r2"];
    let name = monitor.strip_prefix("val_").unwrap_or(monitor);
    UP.iter().any(|up| name.contains(up))
}

/// What early stopping remembers from epoch to epoch.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    settings: &'a EarlyStopping,
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
    pub fn new(settings: &'a EarlyStopping) -> Self {
        // As Keras has it, the baseline is what the first epoch must beat to be the best.
        Self { settings, best: settings.baseline, best_epoch: 0, wait: 0 }
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
        // Where no epoch was good enough, the first one watched is still the best there is.
        let first = self.best_epoch == 0;
        if first {
            self.best_epoch = epoch;
        }
        self.wait += 1;
        if self.improves(value, self.best) {
            self.best = Some(value);
            self.best_epoch = epoch;
            if self.improves(value, self.settings.baseline) {
                self.wait = 0;
            }
            return Verdict { best: true, stop: false };
        }
        Verdict { best: first, stop: self.wait >= self.settings.patience && epoch > 1 }
    }

    fn improves(&self, value: f64, reference: Option<f64>) -> bool {
        let delta = self.settings.min_delta.abs();
        reference.is_none_or(|reference| {
            if self.settings.maximizes() { value - delta > reference } else { value + delta < reference }
        })
    }
}
