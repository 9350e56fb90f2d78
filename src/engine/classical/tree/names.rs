//! [`Criterion`] and [`TreeSplitter`]: settings that are names.

use crate::engine::classical::Task;
use serde::{Deserialize, Serialize};

/// Measures the quality of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// `1 - sum p^2` of the shares `p` of the classes.
    Gini,
    /// `-sum p log2 p` of the shares of the classes.
    Entropy,
    /// The same as `entropy`.
    LogLoss,
    /// The variance of the targets; a leaf predicts the mean.
    SquaredError,
    /// The mean absolute deviation from the median; a leaf predicts the median.
    AbsoluteError,
    /// Half the Poisson deviance, for targets of at least 0; a leaf predicts the mean.
    Poisson,
}

impl Criterion {
    pub(super) fn is_for_classes(self) -> bool {
        matches!(self, Self::Gini | Self::Entropy | Self::LogLoss)
    }

    /// The criterion that was chosen, or scikit-learn's default for the task.
    pub(in crate::engine::classical) fn or_default(chosen: Option<Self>, task: Task) -> Self {
        chosen.unwrap_or(match task {
            Task::Classification { .. } => Self::Gini,
            Task::Regression => Self::SquaredError,
        })
    }
}

/// How a split of a feature is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TreeSplitter {
    /// The best threshold.
    Best,
    /// A threshold that is drawn uniformly between the least and the largest value.
    Random,
}
