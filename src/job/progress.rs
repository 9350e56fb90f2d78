//! [`JobProgress`], and what it counts.

use crate::engine::classical::Unit;
use serde::{Deserialize, Serialize};

/// Progress of a job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobProgress {
    /// Number of completed epochs, or what else `unit` says.
    pub epoch: u32,
    /// Number of planned epochs; of a classical model at most so many trees or rounds, 0 until its fit has begun and for iterations.
    pub epochs: u32,
    /// What `epoch` and `epochs` count.
    #[serde(default)]
    #[schema(required = true)]
    pub unit: ProgressUnit,
    /// 0 to 1.
    pub fraction: f64,
    /// Estimated seconds left; null before the first epoch has ended.
    pub eta_seconds: Option<f64>,
}

impl JobProgress {
    /// Before the first of `epochs` epochs.
    pub fn new(epochs: u32, unit: ProgressUnit) -> Self {
        Self { epochs, unit, ..Self::default() }
    }
}

/// What the progress of a job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgressUnit {
    /// Passes over the training rows.
    #[default]
    Epochs,
    /// Trees of a forest.
    Trees,
    /// Boosting rounds.
    Rounds,
    /// Iterations of a solver.
    Iterations,
}

impl ProgressUnit {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Trees => "trees",
            Self::Rounds => "rounds",
            Self::Iterations => "iterations",
        }
    }

    /// One of them.
    pub fn singular(self) -> &'static str {
        self.name().trim_end_matches('s')
    }
}

impl From<Unit> for ProgressUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Trees => Self::Trees,
            Unit::Rounds => Self::Rounds,
            Unit::Iterations => Self::Iterations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        use ProgressUnit::*;
        for unit in [Epochs, Trees, Rounds, Iterations] {
            assert_eq!(serde_json::to_value(unit).unwrap(), unit.name());
            assert_eq!(format!("{}s", unit.singular()), unit.name());
        }
    }
}
