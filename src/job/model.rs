//! Models and their trained versions.

use crate::{
    data::recipe::{ConfusionMatrix, Signature},
    engine::{
        field::FieldError,
        spec::{Definition, Summary},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

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

impl Model {
    /// The definition.
    ///
    /// # Errors
    /// Where it is not what a service stored.
    pub fn parse_definition(&self) -> Result<Definition, Vec<FieldError>> {
        Definition::from_value(&self.definition)
    }
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
