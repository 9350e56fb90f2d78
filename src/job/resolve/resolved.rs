//! From a request to a job that can run.

use super::{
    columns, inputs,
    output_request::{output_requests, target_columns, target_in_order},
    request::JobRequest,
    resolved_output::{ResolvedOutput, class_columns, resolve_outputs},
    table_view::TableView,
    training::Validated,
    validation::check_validation,
    warnings::{self, Constants, TargetColumns},
};
use crate::{
    data::{
        named::{Named, PerOutput},
        recipe::{RecipeProfile, Task},
        schema::{Column, ColumnType, ValueCount},
        split::{Part, SplitMethod},
    },
    engine::{
        field::{FieldError, MAX_LISTED},
        input_layout::InputColumn,
        spec::{Architecture, Definition, LayerSummary, Limits},
    },
    job::{
        columns::Columns,
        preprocessing::{
            Defaults, JobPreprocessing, JobWarning, TargetScale, TargetScaleRequest, choose, choose_target_scale,
            prepare_columns,
        },
        progress::ProgressUnit,
        sizes::{JobSummary, Tables},
        split::{JobSplit, SplitRequest},
        training::{BatchSize, JobTraining, Training},
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
    pub training: JobTraining,
    /// The task of each output.
    pub task: PerOutput<Task>,
    /// How the rows are divided.
    pub split: JobSplit,
    /// What becomes of the columns before the network.
    pub preprocessing: JobPreprocessing,
    /// Whether the model is compared with baselines.
    pub baselines: bool,
    /// What is allowed and probably not intended.
    pub warnings: Vec<JobWarning>,
    /// Sizes.
    pub summary: JobSummary,
    /// What the progress counts.
    pub unit: ProgressUnit,
    /// The model's layers with their shapes.
    pub layers: Vec<LayerSummary>,
    /// What is trained, to be timed; `None` for a classical model.
    pub network: Option<Box<ResolvedNetwork>>,
}

/// A network with the sizes of its data.
#[derive(Debug, Clone)]
pub struct ResolvedNetwork {
    /// For the features of the job.
    pub architecture: Architecture,
    /// The columns of x.
    pub columns: Vec<InputColumn>,
    /// Rows that it is trained on, and rows that it is validated on.
    pub rows: (usize, usize),
}

/// As [`super::resolve`], for a network.
pub(super) fn resolve_network(
    request: &JobRequest,
    definition: &Definition,
    defaults: &Map<String, Value>,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Result<Resolved, Vec<FieldError>> {
    let mut errors = Vec::new();
    let Some(mut training) = request.training(defaults, &mut errors) else {
        return Err(located(errors, request));
    };
    let preprocessing = request.preprocessing(&mut training.preprocessing, &mut errors);
    let split_request = request.split(&mut training.validation_split, &mut errors);
    let task = request.task.as_ref();
    let scale = preprocessing.target.as_ref().and_then(|target| target.scale.as_ref());
    let is_of_keras = !defaults.is_empty();
    let target = &request.target;
    let requests = output_requests(target, task, &training, definition, (is_of_keras, scale), dataset, &mut errors);
    let targets = requests.as_deref().map(target_columns);
    let sample_weight = training.sample_weight.clone();
    let sample_weight = sample_weight.as_deref();
    let inputs = inputs::named_inputs(request, definition, &mut errors);
    let requested = inputs::requested_columns(request, inputs.as_ref());
    let features = match inputs::are_known(request, definition, &inputs) {
        true => {
            let others = (sample_weight, request.split_column());
            columns::features(requested.as_deref(), &targets, others, dataset, &mut errors)
        }
        false => None,
    };
    columns::sample_weight(sample_weight, &targets, dataset, &mut errors);
    let names: Vec<String> = features.iter().flatten().map(|column| column.name.clone()).collect();

    let type_defaults = Defaults {
        profile: RecipeProfile::Network,
        scale: training.preprocessing.clone(),
        target_classes: targets.as_deref().and_then(target_classes),
    };
    let prepared = features.as_ref().map(|features| {
        let mut wrong = Vec::new();
        let prepared = prepare_columns(&preprocessing, &type_defaults, features, &mut wrong);
        errors.extend(wrong.into_iter().map(|error| error.under("/preprocessing")));
        prepared
    });
    let prepared = prepared.as_deref().filter(|prepared| prepared.len() == names.len());
    let architecture = features.as_ref().zip(prepared).and_then(|(features, prepared)| {
        let widths = inputs::widths(inputs.as_ref(), features, prepared);
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
    let learns_classes = outputs.as_deref().map(|outputs| matches!(outputs, [output] if output.task.has_one_label()));
    let of_training = (training.validation_split, training.split_shuffle, training.seed);
    let split = resolve_split(split_request, request, of_training, learns_classes, dataset, &mut errors);
    let by = split.column.as_deref().and_then(|name| columns::column(name, dataset, MAX_LISTED).ok());
    let rows = usize::try_from(dataset.rows).unwrap_or(usize::MAX);
    let parts = split.parts(rows, by);
    let is_given = request.split.is_some();
    let training = training.resolve(
        outputs.as_deref(),
        tasks.as_ref(),
        dataset,
        &Validated { by_dataset: validation.is_some(), by_split: parts.validation > 0, is_given },
        &mut errors,
    );
    let (mut x_columns, mut rows_of_epoch) = (Vec::new(), (0, 0));
    let summary = architecture.as_ref().zip(training.as_ref()).map(|(architecture, training)| {
        let weighted = training.sample_weight.is_some() || training.class_weight.is_some();
        let read = targets.iter().flatten().filter(|target| !names.contains(&target.name)).count() + names.len();
        let tables = Tables {
            rows: dataset.rows,
            validation_rows: validation.map_or(0, |validation| validation.rows),
            training_rows: if validation.is_some() && !parts.has_test { rows } else { parts.training },
            columns: read as u64 + u64::from(training.sample_weight.is_some()) + u64::from(by.is_some()),
            input_columns: inputs::x_columns(inputs.as_ref(), features.as_deref().unwrap_or_default(), prepared),
            repeated_rows: match training.oversampling {
                true => targets.iter().flatten().map(|target| repeated_rows(target)).max().unwrap_or(0),
                false => 0,
            },
            target_cells: targets.as_ref().map_or(0, Vec::len) as u64,
            weighted,
            preparing_bytes: 0,
        };
        let columns = inputs::prepared_columns(inputs.as_ref(), features.as_deref().unwrap_or_default(), prepared);
        x_columns = columns.iter().flat_map(|(column, preparation)| preparation.input_columns(column)).collect();
        rows_of_epoch =
            (tables.training_rows, validation.map_or(parts.validation, |validation| validation.rows as usize));
        let tables = tables.prepared(&columns);
        let summary = JobSummary::new(architecture, training, &tables);
        errors.extend(check_memory(&summary, training, &tables, limits));
        summary
    });
    let target_scales = match (outputs.as_deref(), architecture.as_ref()) {
        (Some(outputs), Some(architecture)) => {
            target_scales(preprocessing.target.as_ref(), outputs, architecture, is_of_keras, &mut errors)
        }
        _ => Vec::new(),
    };
    match (architecture, requests.as_deref().zip(outputs), training.zip(summary).zip(tasks)) {
        (Some(architecture), Some((requests, outputs)), Some(((training, summary), task))) if errors.is_empty() => {
            let inputs = inputs.or_else(|| inputs::only_input(definition, &names));
            let by = request.preprocessing_chosen_by(defaults);
            let (applied, mut warnings) =
                choose(&architecture, &names, inputs.as_ref(), dataset.columns, prepared.unwrap_or_default(), by);
            warnings.extend(warnings::of_outputs(&outputs, &architecture));
            let constant = warnings::constant_features(&names, dataset.columns, &applied, Constants::Prepared);
            warnings.extend(constant);
            let targets: Vec<TargetColumns<'_>> = outputs.iter().map(TargetColumns::of_output).collect();
            warnings.extend(warnings::of_columns(&targets, &names, &split, rows));
            warnings.extend(warnings::time_zones(features.as_deref().unwrap_or_default(), validation));
            warnings.extend(warnings::decay_of_untrained(&outputs, &training.optimizer));
            let target = target_in_order(&request.target, requests);
            let [number, boolean, category] = type_defaults.shown(&preprocessing);
            let columns = preprocessing.columns;
            let preprocessing = JobPreprocessing { number, boolean, category, columns, applied, target: target_scales };
            let layers = architecture.summary().layers;
            Ok(Resolved {
                target,
                features: names,
                inputs,
                training: JobTraining::Network(Box::new(training)),
                task,
                split,
                preprocessing,
                baselines: false,
                warnings,
                summary,
                unit: ProgressUnit::Epochs,
                layers,
                network: Some(Box::new(ResolvedNetwork { architecture, columns: x_columns, rows: rows_of_epoch })),
            })
        }
        _ => Err(located(errors, request)),
    }
}

/// How many rows oversampling adds at most.
pub(super) fn repeated_rows(target: &Column) -> u64 {
    let counts = || target.values.iter().flatten().map(|level| level.count);
    let most = counts().max().unwrap_or(0);
    counts().map(|count| most - count).sum()
}

/// The split of a job. A mistake is an error at the setting that the request has. `validation_split`, `split_shuffle` and `seed`
/// are those of `training`; `learns_classes` is `None` where the task is not known.
pub(super) fn resolve_split(
    requested: SplitRequest,
    request: &JobRequest,
    (validation_split, split_shuffle, seed): (f64, bool, u64),
    learns_classes: Option<bool>,
    dataset: TableView<'_>,
    errors: &mut Vec<FieldError>,
) -> JobSplit {
    let by = requested.column.as_deref().map(|name| columns::column(name, dataset, errors.len()));
    let default = match &by {
        Some(Ok(column)) if column.kind == ColumnType::Datetime => SplitMethod::Time,
        // Refused: groups by the texts of dates are not what is meant.
        Some(Ok(column)) if column.ambiguous_dates().is_some() => SplitMethod::Time,
        Some(Ok(column)) if column.kind.has_levels() && column.values.iter().flatten().all(is_part) => {
            SplitMethod::Column
        }
        Some(_) => SplitMethod::Group,
        None if learns_classes == Some(true) && split_shuffle => SplitMethod::Stratified,
        None => SplitMethod::Random,
    };
    let split = JobSplit {
        method: requested.method.unwrap_or(default),
        validation: validation_split,
        test: requested.test.unwrap_or_default(),
        seed: requested.seed.unwrap_or(seed),
        column: requested.column.clone(),
        shuffle: split_shuffle,
    };
    if request.split.is_none() {
        return split;
    }
    if split.method == SplitMethod::Stratified && learns_classes == Some(false) {
        let detail = "expected another method: stratified needs one target column of classes";
        errors.push(FieldError::new("/split/method", detail));
    }
    let rows = usize::try_from(dataset.rows).unwrap_or(usize::MAX);
    match by {
        Some(Err(detail)) => errors.push(FieldError::new("/split/column", detail)),
        by => {
            let checked = split.check(rows, by.and_then(Result::ok));
            errors.extend(checked.err().map(|error| error.under("/split")));
        }
    }
    split
}

fn is_part(level: &ValueCount) -> bool {
    level.value.as_str().and_then(Part::named).is_some()
}

/// The classes of the only target column: 0 where it is a number.
pub(super) fn target_classes(targets: &[&Column]) -> Option<usize> {
    match targets {
        [target] if target.kind == ColumnType::Boolean => Some(2),
        [target] if target.kind == ColumnType::Number => Some(0),
        [target] => target.values.as_ref().map(Vec::len),
        _ => None,
    }
}

/// The scale of the target of each output that is a regression.
fn target_scales(
    request: Option<&TargetScaleRequest>,
    outputs: &[ResolvedOutput<'_>],
    architecture: &Architecture,
    is_of_keras: bool,
    errors: &mut Vec<FieldError>,
) -> Vec<TargetScale> {
    let mut scales = Vec::new();
    for (index, output) in outputs.iter().enumerate() {
        let name = (outputs.len() > 1).then_some(output.request.name.as_str());
        let last = architecture.last_activation(index);
        match choose_target_scale(request, name, output.task, output.loss, last, is_of_keras) {
            Ok(scale) => scales.extend(scale),
            Err(error) => errors.push(error),
        }
    }
    if scales.is_empty() && request.is_some_and(|request| request.scale.is_some()) {
        let detail = "expected no scale: no target is learned as numbers";
        errors.push(FieldError::new("/preprocessing/target/scale", detail));
    }
    let negative = outputs.iter().filter(|output| output.task == Task::Regression).find_map(|output| {
        output.request.columns.iter().find(|column| column.minimum().is_some_and(|min| min <= -1.0))
    });
    if let Some(column) = negative.filter(|_| scales.iter().any(|it| it.scale.begins_with_log())) {
        let (name, min) = (&column.name, column.minimum().unwrap_or_default());
        let detail = format!("expected numbers over -1 for log1p, but {name:?} has {min}");
        errors.push(FieldError::new("/preprocessing/target/scale", detail));
    }
    scales
}

pub(super) fn located(errors: Vec<FieldError>, request: &JobRequest) -> Vec<FieldError> {
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
