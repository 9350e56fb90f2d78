//! [`Job`].

use super::{
    columns::Columns,
    preprocessing::{ColumnScale, JobWarning},
    sizes::JobSummary,
    training::Training,
};
use crate::data::{
    named::{Named, PerOutput, per_output},
    recipe::{ConfusionMatrix, Task, task},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Set aside on request.
    Paused,
    /// A version was made.
    Succeeded,
    /// `error` says why.
    Failed,
    /// Ended on request.
    Cancelled,
}

impl JobStatus {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A training job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// UUIDv7.
    pub id: Uuid,
    /// The model's name when the job was submitted.
    pub model: String,
    /// The model itself: a later model of the same name is another one.
    pub model_id: Uuid,
    /// The dataset's name when the job was submitted.
    pub dataset: String,
    /// The dataset itself: a later dataset of the same name is another one.
    pub dataset_id: Uuid,
    /// What is learned: by output where there are several.
    #[schema(schema_with = per_output::<Columns>)]
    pub target: PerOutput<Columns>,
    /// What it is learned from, in the order of list instances.
    pub features: Vec<String>,
    /// The features of each input, for a model whose inputs have names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<std::collections::HashMap<String, Vec<String>>>)]
    pub inputs: Option<Named<Vec<String>>>,
    /// The name of a dataset to validate on instead of a split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation_dataset: Option<String>,
    /// That dataset itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation_dataset_id: Option<Uuid>,
    /// What is learned.
    #[serde(serialize_with = "task::kinds")]
    #[schema(schema_with = task::schema)]
    pub task: PerOutput<Task>,
    /// Every default filled in.
    pub training: Training,
    /// How the number columns of the features are scaled and why, equal ones together; empty for jobs of versions that did not
    /// choose by column.
    #[serde(default)]
    #[schema(required = true)]
    pub preprocessing: Vec<ColumnScale>,
    /// What is allowed and probably not meant.
    #[serde(default)]
    #[schema(required = true)]
    pub warnings: Vec<JobWarning>,
    /// Sizes, known before it begins; absent from jobs of versions that did not know them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub summary: Option<JobSummary>,
    /// Where it stands.
    pub status: JobStatus,
    /// How far it came.
    pub progress: JobProgress,
    /// Logs of the last epoch; once it has succeeded, of the epoch whose weights were kept.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Which class was taken for which by the weights that are kept; of classifiers with at most 100 labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confusion_matrix: Option<ConfusionMatrix>,
    /// Counts from 1.
    pub best_epoch: Option<u32>,
    /// Set when it succeeds.
    pub version: Option<u64>,
    /// Counts from 1 with the first claim; 0 before it.
    pub attempt: u32,
    /// Why it failed, for its user.
    pub error: Option<JobError>,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When a worker first took it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Where the time went.
    pub timing: Timing,
}

impl Job {
    /// Every target column, each once.
    pub fn target_columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for name in self.target.values().into_iter().flat_map(Columns::names) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        columns
    }
}

/// How far a job came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobProgress {
    /// Epochs done.
    pub epoch: u32,
    /// Epochs planned.
    pub epochs: u32,
    /// 0 to 1.
    pub fraction: f64,
    /// Seconds to go, once an epoch is done.
    pub eta_seconds: Option<f64>,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobError {
    /// For programs: `diverged`, `invalid_data`, `invalid_job`, `storage_full`, `attempts_exhausted`, `internal`.
    pub code: String,
    /// For people: what happened and what to try.
    pub detail: String,
}

/// Where a job's time went, in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timing {
    /// From submission (or from the return to the queue) to the claim.
    pub queued_seconds: Option<f64>,
    /// Reading the data, fitting the recipe, and making what the steps work on.
    pub preparing_seconds: Option<f64>,
    /// The epochs alone, with their validation.
    pub training_seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        use JobStatus::*;
        for status in [Queued, Running, Paused, Succeeded, Failed, Cancelled] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
