//! From a request to a job that can run: everything that can be known before the data is read is checked here, once.

mod columns;
mod fit;
mod inputs;
mod learned;
mod outputs;
mod validation;
mod warnings;

use crate::{
    data::{
        named::{Named, PerOutput, per_output},
        recipe::Task,
        schema::Column,
    },
    engine::{
        field::FieldError,
        spec::{Architecture, Definition, Limits},
    },
    job::{
        Columns,
        batch_size::BatchSize,
        preprocessing::{ChosenBy, ColumnScale, JobWarning, choose},
        sizes::{JobSummary, Tables},
        training::{Requested, Training},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most bytes that a table may take at the network's input.
const INPUT_BYTES: u64 = 8 << 30;

/// The body of `POST /v1/jobs`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Name or id of a model.
    pub model: String,
    /// Name or id of a dataset.
    pub dataset: String,
    /// What is learned: a column, or a list of them; for a model with several outputs an object of these by output. A sparse loss
    /// and an output such as `[steps, classes]` learn a column of class indices for each step or position, in that order.
    #[schema(schema_with = per_output::<Columns>)]
    pub target: PerOutput<Columns>,
    /// What it is learned from; where absent, every column but the target and `sample_weight`. A number column that is named
    /// here may be a target too, as an autoencoder's: the feature is scaled by `preprocessing`, the target is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// The columns of each input, for a model with several; instead of `features`. Several inputs may have a column in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, Vec<String>>>)]
    pub inputs: Option<Named<Vec<String>>>,
    /// Name or id of a dataset to validate on instead of a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_dataset: Option<String>,
    /// What each class weighs in the training loss: `"balanced"`, or an object from label to weight.
    #[schema(value_type = Option<crate::data::weights::ClassWeight>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Value>,
    /// The number column that says what each row weighs in the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
    /// How it trains; see `Training`.
    #[schema(value_type = Option<crate::job::training_request::TrainingRequest>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Value>,
}

/// What a request turned out to mean.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The target of each output, in the model's order.
    pub target: PerOutput<Columns>,
    /// Each column once: in the dataset's order, or as asked; those of several inputs in the order in which they appear.
    pub features: Vec<String>,
    /// The features of each input, for a model whose inputs have names.
    pub inputs: Option<Named<Vec<String>>>,
    /// Every default filled in.
    pub training: Training,
    /// What the target is to the network.
    pub task: PerOutput<Task>,
    /// How number columns are scaled.
    pub preprocessing: Vec<ColumnScale>,
    /// What is allowed and probably not meant.
    pub warnings: Vec<JobWarning>,
    /// Sizes.
    pub summary: JobSummary,
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
    request: &JobRequest,
    definition: &Definition,
    defaults: &Map<String, Value>,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Result<Resolved, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut requested = Requested::read(&settings(request, defaults, &mut errors), &mut errors);
    let wanted = outputs::wanted(&request.target, &mut requested, definition, dataset, &mut errors);
    let targets = wanted.as_deref().map(outputs::columns_of);
    let sample_weight = requested.sample_weight.as_deref();
    let inputs = inputs::inputs(request, definition, &mut errors);
    let asked = inputs::asked(request, inputs.as_ref());
    let features = match inputs::are_known(request, definition, &inputs) {
        true => columns::features(asked.as_deref(), &targets, sample_weight, dataset, &mut errors),
        false => None,
    };
    columns::sample_weight(sample_weight, &targets, dataset, &mut errors);
    let names: Vec<String> = features.iter().flatten().map(|column| column.name.clone()).collect();

    let architecture = features.as_ref().and_then(|_| {
        let widths = inputs::widths(inputs.as_ref(), &names, dataset.columns);
        let width: usize = widths.iter().sum();
        let bytes = dataset.rows.saturating_mul(width as u64).saturating_mul(4);
        if bytes > INPUT_BYTES {
            let rows = dataset.rows;
            let detail = format!(
                "expected at most {INPUT_BYTES} bytes of inputs, received {bytes}: {rows} rows of {width} input cells"
            );
            let pointer = if inputs.is_some() { "/inputs" } else { "/features" };
            errors.push(FieldError::new(pointer, detail));
            return None;
        }
        let resolved = architecture(definition, &widths, limits);
        let hint = inputs::hint_of_targets(request, definition, width, &targets);
        resolved.map_err(|found| errors.extend(found.into_iter().map(|error| inputs::hinted(error, hint)))).ok()
    });
    let learned = match (wanted.as_ref(), architecture.as_ref()) {
        (Some(wanted), Some(architecture)) => learned::every(wanted, &requested, architecture, &mut errors),
        _ => None,
    };
    let classes = learned.as_deref().map(learned::class_columns).unwrap_or_default();
    let names_of_classes: Vec<&str> = classes.iter().map(|class| class.name).collect();
    errors.extend(inputs::features_of_classes(asked.as_deref().unwrap_or_default(), &names_of_classes));
    if let Some(validation) = validation {
        let targets = targets.as_deref().unwrap_or_default();
        validation::validation(validation, targets, features.as_deref(), sample_weight, &classes, &mut errors);
    }
    let training = fit::training(requested, learned.as_deref(), dataset, validation.is_some(), &mut errors);
    let summary = architecture.as_ref().zip(training.as_ref()).map(|(architecture, training)| {
        let weighted = training.sample_weight.is_some() || training.class_weight.is_some();
        let read = targets.iter().flatten().filter(|target| !names.contains(&target.name)).count() + names.len();
        let columns = read as u64 + u64::from(training.sample_weight.is_some());
        let targets = targets.as_ref().map_or(0, Vec::len) as u64;
        let tables = Tables {
            rows: dataset.rows,
            validation_rows: validation.map_or(0, |validation| validation.rows),
            columns,
            target_cells: targets,
            weighted,
        };
        let summary = JobSummary::new(architecture, training, &tables);
        errors.extend(check_memory(&summary, training, limits));
        summary
    });
    match (architecture, learned, training.zip(summary)) {
        (Some(architecture), Some(learned), Some((training, summary))) if errors.is_empty() => {
            let inputs = inputs.or_else(|| inputs::of_one(definition, &names));
            let tasks = learned.iter().map(|learned| learned.task).collect();
            let outputs = definition.output_names();
            let task = PerOutput::collect(&outputs, tasks).unwrap_or(PerOutput::One(Task::Regression));
            let wanted: Vec<_> = learned.iter().map(|learned| learned.wanted).collect();
            let target = outputs::in_order(&request.target, &wanted);
            let by = preprocessing_chosen_by(request, defaults);
            let (preprocessing, mut warnings) =
                choose(&architecture, &names, inputs.as_ref(), dataset.columns, training.preprocessing, by);
            warnings.extend(warnings::of_outputs(&learned, &architecture));
            warnings.extend(warnings::targets_among_features(&learned, &names));
            warnings.extend(warnings::decay_of_untrained(&learned, &training.optimizer));
            Ok(Resolved {
                target,
                features: names,
                inputs,
                training,
                task,
                preprocessing,
                warnings,
                summary,
                architecture,
            })
        }
        _ => Err(errors.into_iter().map(|error| where_written(error, request)).collect()),
    }
}

fn preprocessing_chosen_by(request: &JobRequest, defaults: &Map<String, Value>) -> ChosenBy {
    let names = |settings: &Map<String, Value>| settings.get("preprocessing").is_some_and(|value| !value.is_null());
    match request.training.as_ref().and_then(|training| training.get("preprocessing")) {
        Some(Value::Null) => ChosenBy::Default,
        Some(_) => ChosenBy::Job,
        None if names(defaults) => ChosenBy::Model,
        None => ChosenBy::Default,
    }
}

/// Weights are read as part of `training`, and may have been written beside it.
fn where_written(error: FieldError, request: &JobRequest) -> FieldError {
    for (name, beside) in
        [("class_weight", request.class_weight.is_some()), ("sample_weight", request.sample_weight.is_some())]
    {
        let below = error.pointer.strip_prefix("/training").unwrap_or(&error.pointer);
        if below.strip_prefix('/').is_some_and(|below| below.split('/').next() == Some(name)) {
            let pointer = if beside { below.to_owned() } else { format!("/training{below}") };
            return FieldError { pointer, ..error };
        }
    }
    error
}

/// The request's settings over the model's. Weights may stand beside `training` or in it, where Keras's `fit` has them.
fn settings(request: &JobRequest, defaults: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Map<String, Value> {
    let mut settings = defaults.clone();
    match &request.training {
        None | Some(Value::Null) => {}
        Some(Value::Object(training)) => settings.extend(training.clone()),
        Some(other) => errors.push(FieldError::new("/training", format!("expected an object, received {other}"))),
    }
    settings.extend(request.class_weight.clone().map(|weight| ("class_weight".to_owned(), weight)));
    settings.extend(request.sample_weight.clone().map(|column| ("sample_weight".to_owned(), Value::from(column))));
    settings
}

/// Buffers grow with the batch, and what an optimizer keeps with the model.
fn check_memory(summary: &JobSummary, training: &Training, limits: &Limits) -> Option<FieldError> {
    let (bytes, most) = (summary.memory.training.total_bytes(), limits.memory_bytes);
    (bytes > most).then(|| {
        let batch_size = match training.batch_size {
            BatchSize::Rows(rows) => rows.to_string(),
            BatchSize::Full(_) => "\"full\"".to_owned(),
        };
        let detail =
            format!("expected training to take at most {most} bytes of memory, but this model takes {bytes} at batch size {batch_size}");
        FieldError::new("/model", detail)
    })
}

fn architecture(definition: &Definition, widths: &[usize], limits: &Limits) -> Result<Architecture, Vec<FieldError>> {
    let of_model = |error: FieldError| {
        let place = error.pointer.trim_start_matches('/').replace('/', ".");
        let detail = if place.is_empty() { error.detail } else { format!("{place}: {}", error.detail) };
        FieldError::new("/model", detail)
    };
    let shapes = definition.input_shapes(widths).map_err(|error| vec![of_model(error)])?;
    definition.resolve(&shapes, limits).map_err(|errors| errors.into_iter().map(of_model).collect())
}

#[cfg(test)]
mod tests;
