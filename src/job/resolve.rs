//! From a request to a job that can run: everything that can be known before the data is read is checked here, once.

use crate::{
    data::{recipe::Task, schema::Column},
    engine::{
        field::FieldError,
        spec::{Architecture, Definition, Limits},
    },
    job::{Columns, training::Training},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of `POST /v1/jobs`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Name or id of a model.
    pub model: String,
    /// Name or id of a dataset.
    pub dataset: String,
    /// What is learned: a column, or a list of them.
    pub target: Columns,
    /// What it is learned from; every column but the target where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Name or id of a dataset to validate on instead of a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_dataset: Option<String>,
    /// How it trains; see `Training`.
    #[schema(value_type = Option<Training>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Value>,
}

/// What a request turned out to mean.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// In the dataset's order, or as asked.
    pub features: Vec<String>,
    /// Every default filled in.
    pub training: Training,
    /// What the target is to the network.
    pub task: Task,
    /// The model at this dataset's width.
    pub architecture: Architecture,
}

/// A table as the resolver sees it.
#[derive(Debug, Clone, Copy)]
pub struct TableView<'a> {
    /// The dataset's name, for messages.
    pub name: &'a str,
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub columns: &'a [Column],
}

/// Checks `request` against everything it names. `defaults` are the model's own (`compile_config`). All errors at once,
/// each with its pointer into the request.
pub fn resolve(
    _request: &JobRequest,
    _definition: &Definition,
    _defaults: &serde_json::Map<String, Value>,
    _dataset: TableView<'_>,
    _validation: Option<TableView<'_>>,
    _limits: &Limits,
) -> Result<Resolved, Vec<FieldError>> {
    todo!()
}
