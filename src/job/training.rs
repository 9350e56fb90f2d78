//! `training` of a job: every setting of the fit and of what comes before it.

use crate::{
    data::recipe::Preprocessing,
    engine::{
        fit::{EarlyStopping, FitPlan},
        loss::Loss,
        metric::Metric,
        optimizer::Optimizer,
    },
};
use serde::{Deserialize, Serialize};

/// How a job trains. What a request leaves out is filled in when the job is made, and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Times that every training row is seen.
    #[serde(default = "one")]
    pub epochs: u32,
    /// Rows of one step: a number, or `"full"` for all of them.
    #[serde(default)]
    pub batch_size: BatchSize,
    /// Absent in a request: adam.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub optimizer: Option<Optimizer>,
    /// Absent in a request: by the target and the output.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loss: Option<Loss>,
    /// Absent in a request: by the target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metrics: Option<Vec<Metric>>,
    /// The fraction of the rows that validates; 0 for none.
    #[serde(default)]
    pub validation_split: f64,
    /// Whether rows are shuffled (by `seed`) before the split.
    #[serde(default = "yes")]
    pub split_shuffle: bool,
    /// Whether the training rows are put in a new order each epoch.
    #[serde(default = "yes")]
    pub shuffle: bool,
    /// Where all randomness comes from.
    #[serde(default)]
    pub seed: u64,
    /// How number columns are scaled.
    #[serde(default)]
    pub preprocessing: Preprocessing,
    /// When to stop before the last epoch.
    #[serde(default)]
    pub early_stopping: Option<EarlyStopping>,
}

/// Rows of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum BatchSize {
    /// This many.
    Rows(u64),
    /// All of them: batch gradient descent.
    Full(Full),
}

/// The word `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Full {
    /// All rows.
    Full,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self::Rows(32)
    }
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

impl Training {
    /// The engine's part, for `rows` training rows. Only for a resolved training.
    pub fn plan(&self, _rows: usize, _threads: usize) -> FitPlan {
        todo!()
    }
}
