//! What callbacks watch: which of two values is better.

use crate::engine::metric::Better;
use serde::{Deserialize, Serialize};

/// Which direction of a monitored value is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By what is monitored: less of losses and errors, more of accuracies, scores, overlaps and similarities. Counts such as
    /// `true_positives` have no direction of their own.
    #[default]
    Auto,
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl Mode {
    /// Which values are better, where `of_monitor` are by what is monitored.
    pub fn better(self, of_monitor: Option<Better>) -> Option<Better> {
        match self {
            Self::Auto => of_monitor,
            Self::Min => Some(Better::Less),
            Self::Max => Some(Better::More),
        }
    }
}

/// How a callback compares what it monitors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    pub better: Better,
    /// Less than this is no improvement.
    pub min_delta: f64,
}

impl Comparison {
    /// Whether `value` is better than `reference`, which anything is where there is none. In `f32`, as Keras logs and compares
    /// values: what lies within a rounding is no improvement.
    pub fn improves(self, value: f64, reference: Option<f64>) -> bool {
        let Some(reference) = reference.map(|reference| reference as f32) else { return true };
        let (value, delta) = (f64::from(value as f32), self.min_delta.abs());
        match self.better {
            Better::Less => ((value + delta) as f32) < reference,
            Better::More => (value - delta) as f32 > reference,
        }
    }
}
