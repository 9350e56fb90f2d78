//! What a job is: plain data, and the checks that need both a definition and a table.

pub mod batch_size;
mod output_settings;
pub mod preprocessing;
pub mod resolve;
pub mod sizes;
pub mod training;
pub mod training_request;

use crate::{
    data::{
        named::{Named, PerOutput, per_output},
        read::Format,
        recipe::{ConfusionMatrix, Signature, Task, task},
        schema::Column,
    },
    engine::spec::Summary,
};
use jiff::Timestamp;
use preprocessing::{ColumnScale, JobWarning};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sizes::JobSummary;
use training::Training;
use uuid::Uuid;

/// The time now, to the microsecond, which is as exact as the store keeps it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// An uploaded table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Dataset {
    /// UUIDv7.
    pub id: Uuid,
    /// Unique.
    pub name: String,
    /// Format of the file.
    pub format: Format,
    /// Rows without a header.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
    /// The file's SHA-256, hexadecimal.
    pub sha256: String,
    /// When the upload was complete.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// In the file's order.
    pub columns: Vec<Column>,
}

/// A model definition; its trained versions stand beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Model {
    /// UUIDv7.
    pub id: Uuid,
    /// Unique.
    pub name: String,
    /// In our own form, defaults filled in.
    #[schema(value_type = Object)]
    pub definition: Value,
    /// Defaults of `training` of a Keras model: those of its `compile_config`, and `preprocessing` "none".
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub training_defaults: Map<String, Value>,
    /// The newest version, where there is one.
    pub latest_version: Option<u64>,
    /// When it was defined.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Sizes, as soon as the input shape is known.
    pub summary: Option<Summary>,
    /// What of a Keras model is read otherwise than it stands there.
    #[serde(default)]
    #[schema(required = true)]
    pub warnings: Vec<ModelWarning>,
}

/// What of a definition is read otherwise than it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelWarning {
    /// What kind of thing it is: `computed_in_float32`, `huber_delta_unknown`, `metric_left_out`,
    /// `normalization_without_numbers`, `training_argument_ignored`.
    pub code: String,
    /// Where it stands in the definition that was sent.
    pub pointer: String,
    /// What is done.
    pub detail: String,
}

/// One trained version of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelVersion {
    /// The model's name.
    pub model: String,
    /// Counts 1, 2, 3 …
    pub version: u64,
    /// The job that trained it.
    pub job: Uuid,
    /// The dataset's name.
    pub dataset: String,
    /// Logs of the epoch whose weights these are.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Which class was taken for which by the weights that are kept; of classifiers with at most 100 labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confusion_matrix: Option<ConfusionMatrix>,
    /// What it takes and gives.
    pub signature: Signature,
    /// Sizes.
    pub summary: Summary,
    /// Size of the weights file.
    pub bytes: u64,
    /// SHA-256 of the weights file, hexadecimal.
    pub sha256: String,
    /// When it was committed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

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

/// One column's name or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected the name of a column or a list of names")]
pub enum Columns {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Columns {
    /// The names in order.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
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

/// One kept event of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobEvent {
    /// Counts 1, 2, 3 … within the job, without a gap.
    pub id: u64,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// By type. `status`: `status`, `attempt` (of a `queued` event the attempt to come), with `version` or `error` at the
    /// end. `epoch`: the epoch's logs. `message`: `level` (`info` or `warning`) and `text`.
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
}

/// What an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The job's status changed.
    Status,
    /// An epoch ended.
    Epoch,
    /// Something worth reading.
    Message,
}

impl EventKind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Epoch => "epoch",
            Self::Message => "message",
        }
    }
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
        for kind in [EventKind::Status, EventKind::Epoch, EventKind::Message] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
