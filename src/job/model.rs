//! Models and their trained versions.

use super::{definition::ModelDefinition, leaderboard::Leaderboard};
use crate::{
    data::recipe::{ConfusionMatrix, Signature},
    engine::{field::FieldError, spec::Summary},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A model definition. Its trained versions are resources of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Model {
    /// UUIDv7.
    pub id: Uuid,
    /// Unique.
    pub name: String,
    /// The definition with all defaults filled in.
    #[schema(value_type = Object)]
    pub definition: Value,
    /// Defaults of `training` for an imported Keras model: its `compile_config`, and `preprocessing` "none".
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub training_defaults: Map<String, Value>,
    /// Number of the newest version.
    pub latest_version: Option<u64>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Sizes; null until the input shape is known, and for a classical model.
    pub summary: Option<Summary>,
    /// Differences between the Keras model and its import.
    #[serde(default)]
    #[schema(required = true)]
    pub warnings: Vec<ModelWarning>,
}

impl Model {
    /// The definition.
    ///
    /// # Errors
    /// Where it is not what a service stored.
    pub fn parse_definition(&self) -> Result<ModelDefinition, Vec<FieldError>> {
        ModelDefinition::from_value(&self.definition)
    }
}

/// A difference between a Keras model and its import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelWarning {
    /// Machine-readable: `computed_in_float32`, `huber_delta_unknown`, `metric_left_out`,
    /// `normalization_without_numbers`, `training_argument_ignored`.
    pub code: String,
    /// JSON pointer into the request.
    pub pointer: String,
    /// The difference.
    pub detail: String,
}

/// One trained version of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelVersion {
    /// The model's name.
    pub model: String,
    /// Number of the version: 1, 2, 3 …
    pub version: u64,
    /// The job that trained it.
    pub job: Uuid,
    /// The dataset's name.
    pub dataset: String,
    /// Logs of the epoch of these weights, with `test_loss` and so on of the test rows.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Confusion matrix of these weights, for classifiers with at most 100 labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confusion_matrix: Option<ConfusionMatrix>,
    /// The comparison with the baselines of the job.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub leaderboard: Option<Leaderboard>,
    /// Columns of its input and output.
    pub signature: Signature,
    /// Sizes of a network; null for a classical model.
    #[schema(required = true)]
    pub summary: Option<Summary>,
    /// Facts about the fit of a classical model in scikit-learn's names (`n_iter`, `n_support`), with `n_trees` and
    /// `n_columns`, the columns that it was fitted on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Object>)]
    pub fitted: Option<Map<String, Value>>,
    /// Size of the weights file in bytes.
    pub bytes: u64,
    /// SHA-256 of the weights file in hexadecimal.
    pub sha256: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}
