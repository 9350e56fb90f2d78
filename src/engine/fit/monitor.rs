//! Comparison of the values that a callback monitors.

use crate::engine::metric::Goal;
use serde::{Deserialize, Serialize};

/// Whether smaller or greater values of the monitor are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Inferred from the monitor: `min` for losses and errors, `max` for accuracies, scores and similarities. Counts
    /// such as `true_positives` require `min` or `max`.
    #[default]
    Auto,
    /// Smaller values are better.
    Min,
    /// Greater values are better.
    Max,
}

impl Mode {
    /// The goal, where `inferred` is that of the monitored value.
    pub fn goal(self, inferred: Option<Goal>) -> Option<Goal> {
        match self {
            Self::Auto => inferred,
            Self::Min => Some(Goal::Minimize),
            Self::Max => Some(Goal::Maximize),
        }
    }
}

/// How a callback compares monitored values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    pub goal: Goal,
    /// Minimum change that counts as an improvement.
    pub min_delta: f64,
}

impl Comparison {
    /// Whether `value` is better than `reference`, if there is one. Compared in `f32` as in Keras: a difference below
    /// its precision is no improvement.
    pub fn improves(self, value: f64, reference: Option<f64>) -> bool {
        let Some(reference) = reference.map(|reference| reference as f32) else { return true };
        let (value, delta) = (f64::from(value as f32), self.min_delta.abs());
        match self.goal {
            Goal::Minimize => ((value + delta) as f32) < reference,
            Goal::Maximize => (value - delta) as f32 > reference,
        }
    }
}
