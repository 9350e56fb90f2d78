//! [`Job`].

use super::{
    clock::now,
    columns::Columns,
    labels::{JobPatch, Labels, check_count},
    leaderboard::Leaderboard,
    preprocessing::{JobPreprocessing, JobWarning},
    progress::JobProgress,
    sizes::JobSummary,
    split::JobSplit,
    training::JobTraining,
};
use crate::{
    data::{
        named::{Named, PerOutput, per_output},
        recipe::{ConfusionMatrix, Task, task},
    },
    engine::field::FieldError,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for a worker.
    Queued,
    /// Runs on a worker.
    Running,
    /// Paused on request; keeps its place in memory, or, where it has none, in the queue.
    Paused,
    /// Created a version.
    Succeeded,
    /// Failed; see `error`.
    Failed,
    /// Cancelled on request.
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

    /// Whether the job has ended.
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
    /// The model's id. A later model of the same name is another model.
    pub model_id: Uuid,
    /// The dataset's name when the job was submitted.
    pub dataset: String,
    /// The dataset's id. A later dataset of the same name is another dataset.
    pub dataset_id: Uuid,
    /// Target columns, by output where there are several.
    #[schema(schema_with = per_output::<Columns>)]
    pub target: PerOutput<Columns>,
    /// Feature columns, in the order of list instances.
    pub features: Vec<String>,
    /// Feature columns of each input, for a model with named inputs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<std::collections::HashMap<String, Vec<String>>>)]
    pub inputs: Option<Named<Vec<String>>>,
    /// Name of the validation dataset.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation_dataset: Option<String>,
    /// Id of the validation dataset.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation_dataset_id: Option<Uuid>,
    /// Task, by output where there are several.
    #[serde(serialize_with = "task::kinds")]
    #[schema(schema_with = task::schema)]
    pub task: PerOutput<Task>,
    /// Training settings with all defaults filled in.
    pub training: JobTraining,
    /// How the rows are divided; absent from jobs of earlier versions of the service.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub split: Option<JobSplit>,
    /// What becomes of the columns before the network, with every default filled in.
    #[serde(default)]
    #[schema(required = true)]
    pub preprocessing: JobPreprocessing,
    /// What is allowed and probably not intended.
    #[serde(default)]
    #[schema(required = true)]
    pub warnings: Vec<JobWarning>,
    /// Sizes; absent from jobs of earlier versions of the service.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub summary: Option<JobSummary>,
    /// Labels, for finding and comparing jobs.
    #[serde(default)]
    #[schema(required = true, value_type = std::collections::HashMap<String, String>)]
    pub labels: Labels,
    /// A note of the user.
    #[serde(default)]
    #[schema(required = true)]
    pub note: Option<String>,
    /// Priority: queued jobs of a higher one run first.
    #[serde(default)]
    #[schema(required = true)]
    pub priority: i32,
    /// Status.
    pub status: JobStatus,
    /// Place in the queue, from 1, of a queued job when it is read; absent from the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(minimum = 1)]
    pub queue_position: Option<u64>,
    /// Progress.
    pub progress: JobProgress,
    /// Logs of the last epoch; of a job that has succeeded those of the kept weights, with `test_loss` and so on of the test rows.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Logs of the epoch `best_epoch`; null before the first epoch has ended.
    #[serde(default)]
    #[schema(value_type = Option<Object>, required = true)]
    pub best: Option<Map<String, Value>>,
    /// Confusion matrix of the kept weights, for classifiers with at most 100 labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confusion_matrix: Option<ConfusionMatrix>,
    /// Whether the model is compared with baselines at the end.
    #[serde(default)]
    #[schema(required = true)]
    pub baselines: bool,
    /// The comparison of the model with the baselines, once the job has succeeded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub leaderboard: Option<Leaderboard>,
    /// Epoch with the best monitored value so far, from 1; without early stopping that with the lowest `val_loss`, or `loss`.
    pub best_epoch: Option<u32>,
    /// Number of the version it created.
    pub version: Option<u64>,
    /// Number of attempts so far.
    pub attempt: u32,
    /// Why it failed.
    pub error: Option<JobError>,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When a worker first claimed it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Durations.
    pub timing: Timing,
}

impl Job {
    /// Changes labels, note and priority.
    ///
    /// # Errors
    /// Where it would have too many labels.
    pub fn apply(&mut self, patch: &JobPatch) -> Result<(), FieldError> {
        for (name, value) in patch.labels.iter().flatten() {
            match value {
                Some(value) => self.labels.insert(name.clone(), value.clone()),
                None => self.labels.remove(name),
            };
        }
        if let Some(note) = &patch.note {
            self.note.clone_from(note);
        }
        self.priority = patch.priority.unwrap_or(self.priority);
        check_count(&self.labels)
    }

    /// A new job with the same model, datasets and settings.
    pub fn again(self) -> Self {
        Self {
            id: Uuid::now_v7(),
            status: JobStatus::Queued,
            queue_position: None,
            progress: JobProgress { epochs: self.training.epochs(), ..JobProgress::default() },
            metrics: Map::new(),
            best: None,
            confusion_matrix: None,
            leaderboard: None,
            best_epoch: None,
            version: None,
            attempt: 0,
            error: None,
            created_at: now(),
            started_at: None,
            ended_at: None,
            timing: Timing::default(),
            ..self
        }
    }

    /// The target columns, each once.
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

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobError {
    /// Machine-readable: `diverged`, `invalid_data`, `invalid_job`, `storage_full`, `attempts_exhausted`, `internal`.
    pub code: String,
    /// What happened and what to try.
    pub detail: String,
}

/// Durations of a job in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timing {
    /// From queued to claimed.
    pub queued_seconds: Option<f64>,
    /// Reading the data, fitting the preprocessing, and initializing the network.
    pub preparing_seconds: Option<f64>,
    /// The epochs, with their validation.
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
