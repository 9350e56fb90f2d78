//! From a request to a job that can run.

use super::{
    columns, inputs,
    output_request::{output_requests, target_columns, target_in_order},
    request::JobRequest,
    resolved_output::{class_columns, resolve_outputs},
    table_view::TableView,
    validation::check_validation,
    warnings,
};
use crate::{
    data::{
        named::{Named, PerOutput},
        recipe::Task,
    },
    engine::{
        field::FieldError,
        spec::{Architecture, Definition, LayerSummary, Limits},
    },
    job::{
        columns::Columns,
        preprocessing::{ColumnScale, JobWarning, choose},
        sizes::{JobSummary, Tables},
        training::{BatchSize, Training},
    },
};
use serde_json::{Map, Value};

/// A request with everything filled in.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The target of each output, in the model's order.
    pub target: PerOutput<Columns>,
    /// Each column once: in the dataset's order, or as requested; those of several inputs in the order in which they appear.
    pub features: Vec<String>,
    /// The features of each input, for a model whose inputs have names.
    pub inputs: Option<Named<Vec<String>>>,
    /// Every default filled in.
    pub training: Training,
    /// The task of each output.
    pub task: PerOutput<Task>,
    /// How number columns are scaled.
    pub preprocessing: Vec<ColumnScale>,
    /// What is allowed and probably not intended.
    pub warnings: Vec<JobWarning>,
    /// Sizes.
    pub summary: JobSummary,
    /// The model's layers with their shapes.
    pub layers: Vec<LayerSummary>,
}

/// Checks `request` against everything it names. `defaults` are the model's own (`compile_config`).
///
/// # Errors
/// All of them, each with its pointer into the request.
pub fn resolve(
    request: &JobRequest,
    definition: &Definition,
    defaults: &Map<String, Value>,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Result<Resolved, Vec<FieldError>> {
    let mut errors = Vec::new();
    let Some(training) = request.training(defaults, &mut errors) else {
        return Err(located(errors, request));
    };
    let task = request.task.as_ref();
    let requests =
        output_requests(&request.target, task, &training, definition, !defaults.is_empty(), dataset, &mut errors);
    let targets = requests.as_deref().map(target_columns);
    let sample_weight = training.sample_weight.clone();
    let sample_weight = sample_weight.as_deref();
    let inputs = inputs::named_inputs(request, definition, &mut errors);
    let requested = inputs::requested_columns(request, inputs.as_ref());
    let features = match inputs::are_known(request, definition, &inputs) {
        true => columns::features(requested.as_deref(), &targets, sample_weight, dataset, &mut errors),
        false => None,
    };
    columns::sample_weight(sample_weight, &targets, dataset, &mut errors);
    let names: Vec<String> = features.iter().flatten().map(|column| column.name.clone()).collect();

    let architecture = features.as_ref().and_then(|_| {
        let widths = inputs::widths(inputs.as_ref(), &names, dataset.columns);
        let width: usize = widths.iter().sum();
        let hint = inputs::hint_of_targets(request, definition, width, &targets);
        let architecture = architecture(definition, &widths, limits, request.definition.is_some());
        architecture.map_err(|found| errors.extend(found.into_iter().map(|error| inputs::hinted(error, hint)))).ok()
    });
    let class_weight = training.class_weight.as_ref();
    let outputs = match (requests.as_ref(), architecture.as_ref()) {
        (Some(requests), Some(architecture)) => resolve_outputs(requests, class_weight, architecture, &mut errors),
        _ => None,
    };
    let classes = outputs.as_deref().map(class_columns).unwrap_or_default();
    let class_names: Vec<&str> = classes.iter().map(|class| class.name).collect();
    errors.extend(inputs::features_of_classes(requested.as_deref().unwrap_or_default(), &class_names));
    if let Some(validation) = validation {
        let targets = targets.as_deref().unwrap_or_default();
        check_validation(validation, targets, features.as_deref(), sample_weight, &classes, &mut errors);
    }
    let tasks = outputs.as_ref().and_then(|outputs| {
        PerOutput::collect(&definition.output_names(), outputs.iter().map(|output| output.task).collect())
    });
    let training = training.resolve(outputs.as_deref(), tasks.as_ref(), dataset, validation.is_some(), &mut errors);
    let summary = architecture.as_ref().zip(training.as_ref()).map(|(architecture, training)| {
        let weighted = training.sample_weight.is_some() || training.class_weight.is_some();
        let read = targets.iter().flatten().filter(|target| !names.contains(&target.name)).count() + names.len();
        let tables = Tables {
            rows: dataset.rows,
            validation_rows: validation.map_or(0, |validation| validation.rows),
            columns: read as u64 + u64::from(training.sample_weight.is_some()),
            input_columns: inputs.as_ref().map_or(names.len(), |inputs| inputs.0.iter().map(|it| it.1.len()).sum())
                as u64,
            target_cells: targets.as_ref().map_or(0, Vec::len) as u64,
            weighted,
        };
        let summary = JobSummary::new(architecture, training, &tables);
        errors.extend(check_memory(&summary, training, &tables, limits));
        summary
    });
    match (architecture, requests.as_deref().zip(outputs), training.zip(summary).zip(tasks)) {
        (Some(architecture), Some((requests, outputs)), Some(((training, summary), task))) if errors.is_empty() => {
            let inputs = inputs.or_else(|| inputs::only_input(definition, &names));
            let by = request.preprocessing_chosen_by(defaults);
            let (preprocessing, mut warnings) =
                choose(&architecture, &names, inputs.as_ref(), dataset.columns, training.preprocessing, by);
            warnings.extend(warnings::of_outputs(&outputs, &architecture));
            warnings.extend(warnings::constant_features(&names, dataset.columns, &preprocessing));
            warnings.extend(warnings::targets_among_features(&outputs, &names));
            warnings.extend(warnings::decay_of_untrained(&outputs, &training.optimizer));
            let target = target_in_order(&request.target, requests);
            let layers = architecture.summary().layers;
            Ok(Resolved { target, features: names, inputs, training, task, preprocessing, warnings, summary, layers })
        }
        _ => Err(located(errors, request)),
    }
}

fn located(errors: Vec<FieldError>, request: &JobRequest) -> Vec<FieldError> {
    errors.into_iter().map(|error| request.locate(error)).collect()
}

/// An error where a job takes more memory than allowed: buffers grow with the batch, optimizer state with the model, the
/// rest with the rows.
fn check_memory(summary: &JobSummary, training: &Training, tables: &Tables, limits: &Limits) -> Option<FieldError> {
    let (memory, max) = (&summary.memory, limits.memory_bytes);
    let bytes = memory.training.total_bytes();
    if bytes > max {
        let batch_size = match training.batch_size {
            BatchSize::Rows(rows) => rows.to_string(),
            BatchSize::Full(_) => "\"full\"".to_owned(),
        };
        let detail = format!(
            "expected training to take at most {max} bytes of memory, but this model takes {bytes} at batch size {batch_size}"
        );
        return Some(FieldError::new("/model", detail));
    }
    memory.exceeds(max).then(|| {
        let (rows, columns) = (tables.rows.saturating_add(tables.validation_rows), tables.columns);
        let detail = format!(
            "{}, {rows} rows of {columns} columns; name fewer `features`, or start the service with a higher \
             `--max-model-memory-bytes`",
            memory.excess(max)
        );
        FieldError::new("/dataset", detail)
    })
}

/// `is_inline`: whether the request itself has the definition.
fn architecture(
    definition: &Definition,
    widths: &[usize],
    limits: &Limits,
    is_inline: bool,
) -> Result<Architecture, Vec<FieldError>> {
    let of_model = |error: FieldError| {
        if is_inline {
            return error.under("/definition");
        }
        let place = error.pointer.trim_start_matches('/').replace('/', ".");
        let detail = if place.is_empty() { error.detail } else { format!("{place}: {}", error.detail) };
        FieldError::new("/model", detail)
    };
    definition.resolve_features(widths, limits).map_err(|errors| errors.into_iter().map(of_model).collect())
}
