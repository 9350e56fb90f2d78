//! By the kind of the model.

use super::{
    classical,
    request::JobRequest,
    resolved::{Resolved, resolve_network},
    table_view::TableView,
};
use crate::{
    engine::{field::FieldError, spec::Limits},
    job::definition::ModelDefinition,
};
use serde_json::{Map, Value};

/// Checks `request` against everything it names. `defaults` are the model's own (`compile_config`).
///
/// # Errors
/// All of them, each with its pointer into the request.
pub fn resolve(
    request: &JobRequest,
    definition: &ModelDefinition,
    defaults: &Map<String, Value>,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Result<Resolved, Vec<FieldError>> {
    match definition {
        ModelDefinition::Network(network) => resolve_network(request, network, defaults, dataset, validation, limits),
        ModelDefinition::Classical(model) => classical::resolve(request, model, dataset, validation, limits),
    }
}
