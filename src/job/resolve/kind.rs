//! By the kind of the model.

use super::{
    baselines::{self, Compared},
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
    let (mut resolved, model) = match definition {
        ModelDefinition::Network(network) => {
            (resolve_network(request, network, defaults, dataset, validation, limits)?, None)
        }
        ModelDefinition::Classical(model) => {
            (classical::resolve(request, model, dataset, validation, limits)?, Some(model))
        }
    };
    let compared = Compared {
        target: &resolved.target,
        features: &resolved.features,
        task: &resolved.task,
        split: &resolved.split,
        preprocessing: &resolved.preprocessing,
        training: &resolved.training,
        model,
    };
    let own = resolved.summary.memory.peak_bytes;
    let chosen = baselines::choose(request.baselines, compared, own, dataset, validation, limits);
    let (baselines, bytes) = chosen.map_err(|detail| vec![FieldError::new("/baselines", detail)])?;
    resolved.baselines = baselines;
    resolved.summary = resolved.summary.with_baselines(bytes);
    Ok(resolved)
}
