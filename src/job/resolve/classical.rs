//! From a request to a job that trains a classical model.

use super::{
    class_weight::check_class_weight,
    classical_task::{choose_task, doubtful_task},
    columns::{self, label_count},
    output_request::TARGET,
    request::JobRequest,
    resolved::{Resolved, repeated_rows, resolve_split, target_classes},
    resolved_output::ClassColumn,
    table_view::TableView,
    training::check_split,
    validation::check_validation,
    warnings::{self, Constants, TargetColumns},
};
use crate::{
    data::{
        named::PerOutput,
        recipe::{MissingStrategy, Preparation, RecipeProfile, Task, indices},
        schema::Column,
    },
    engine::{
        classical::{self, ClassicalModel, Size, Traits},
        field::{FieldError, MAX_LISTED},
        loss::Loss,
        metric::{Measure, Metric, R2Score},
        spec::Limits,
    },
    job::{
        columns::Columns,
        preprocessing::{ColumnPreparation, Defaults, JobPreprocessing, Prepared, prepare_columns},
        sizes::{JobSummary, Tables},
        training::{ClassicalTraining, JobTraining, OutputSetting, seen_by},
    },
};

/// As [`super::resolve`], for a classical model.
pub(super) fn resolve(
    request: &JobRequest,
    model: &ClassicalModel,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Result<Resolved, Vec<FieldError>> {
    let mut errors = Vec::new();
    let kind = model.kind();
    let Some(mut training) = request.classical_training(kind, &mut errors) else {
        return Err(super::resolved::located(errors, request));
    };
    let preprocessing = request.preprocessing(&mut training.preprocessing, &mut errors);
    let split_request = request.split(&mut training.validation_split, &mut errors);
    if request.inputs.is_some() {
        errors.push(FieldError::new("/inputs", format!("expected `features`: a {kind} has one input")));
    }
    if preprocessing.target.as_ref().is_some_and(|target| target.scale.as_ref().is_some_and(|scale| !scale.is_none())) {
        let detail = format!("expected no scale: a {kind} learns the target in its own units");
        errors.push(FieldError::new("/preprocessing/target/scale", detail));
    }
    let target = only_target(request, kind, dataset, &mut errors);
    let targets = target.map(|target| vec![target]);
    let sample_weight = training.sample_weight.clone();
    let sample_weight = sample_weight.as_deref();
    let requested = super::inputs::requested_columns(request, None);
    let features = columns::features(
        requested.as_deref(),
        &targets,
        (sample_weight, request.split_column()),
        dataset,
        &mut errors,
    );
    columns::sample_weight(sample_weight, &targets, dataset, &mut errors);
    if !model.weighs_rows() {
        let given = [("class_weight", training.class_weight.is_some()), ("sample_weight", sample_weight.is_some())];
        errors.extend(given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| {
            FieldError::new(
                format!("/training/{name}"),
                format!("expected no `{name}`: the rows of a {kind} have no weights"),
            )
        }));
    }
    let names: Vec<String> = features.iter().flatten().map(|column| column.name.clone()).collect();

    let traits = model.traits();
    let task = target.and_then(|target| choose_task(request, target, model, names.len(), &mut errors));
    let defaults = Defaults {
        profile: profile(traits),
        scale: training.preprocessing.clone(),
        target_classes: targets.as_deref().and_then(target_classes),
    };
    let prepared = features.as_ref().map(|features| {
        let mut wrong = Vec::new();
        let prepared = prepare_columns(&preprocessing, &defaults, features, &mut wrong);
        errors.extend(wrong.into_iter().map(|error| error.under("/preprocessing")));
        errors.extend(kept_missing(features, &prepared, traits, kind));
        prepared
    });
    let prepared = prepared.as_deref().filter(|prepared| prepared.len() == names.len());
    let width: usize = features
        .iter()
        .flatten()
        .zip(prepared.unwrap_or_default())
        .map(|(column, prepared)| prepared.preparation.width(column))
        .sum();
    if let (Some((_, of_model)), true) = (task, prepared.is_some()) {
        errors.extend(model.check_task(of_model, width).err().map(|error| of_definition(error, request)));
    }
    let learns_classes = task.is_some_and(|(task, _)| !task.learns_numbers());
    if learns_classes && let Some(target) = target {
        let classes = [target.name.as_str()];
        errors.extend(super::inputs::features_of_classes(requested.as_deref().unwrap_or_default(), &classes));
    }
    errors.extend(check_training(&training, targets.as_deref(), task, validation.is_some(), request, dataset));
    let split = resolve_split(
        split_request,
        request,
        (training.validation_split, training.split_shuffle, training.seed),
        task.is_some().then_some(learns_classes),
        dataset,
        &mut errors,
    );
    let by = split.column.as_deref().and_then(|name| columns::column(name, dataset, MAX_LISTED).ok());
    let rows = usize::try_from(dataset.rows).unwrap_or(usize::MAX);
    let parts = split.parts(rows, by);
    if let Some(validation) = validation {
        let classes: Vec<ClassColumn<'_>> = target.filter(|_| learns_classes).map(class_column).into_iter().collect();
        let targets = targets.as_deref().unwrap_or_default();
        check_validation(validation, targets, features.as_deref(), sample_weight, &classes, &mut errors);
        if parts.validation > 0 && request.split.is_some() {
            let detail = "expected no validation rows in `split` beside a validation_dataset";
            errors.push(FieldError::new("/split/validation", detail));
        }
    }
    let (Some((task, of_model)), Some(target), true) = (task, target, errors.is_empty()) else {
        return Err(super::resolved::located(errors, request));
    };
    training.metrics = Some(OutputSetting::All(metrics(&training, of_model)));
    let training_rows = if validation.is_some() && !parts.has_test { rows } else { parts.training };
    // Groups and times are divided by what the rows hold, and repeated rows are neighbours too.
    if by.is_none()
        && !training.oversampling
        && let Err(error) = model.check_rows(training_rows)
    {
        return Err(super::resolved::located(vec![of_definition(error, request)], request));
    }
    let read = names.len() as u64 + u64::from(!names.contains(&target.name));
    let tables = Tables {
        rows: dataset.rows,
        validation_rows: validation.map_or(0, |validation| validation.rows),
        training_rows,
        columns: read + u64::from(sample_weight.is_some()) + u64::from(by.is_some()),
        input_columns: width as u64,
        repeated_rows: if training.oversampling { repeated_rows(target) } else { 0 },
        target_cells: 1,
        weighted: sample_weight.is_some() || training.class_weight.is_some(),
        preparing_bytes: 0,
    };
    let tables =
        tables.prepared(&super::inputs::prepared_columns(None, features.as_deref().unwrap_or_default(), prepared));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let impurity = if learns_classes { impurity(target) } else { 1.0 };
    let size = Size { rows: training_rows, columns: width, task: of_model, threads, impurity };
    let summary = JobSummary::of_classical(model.memory_bytes(size), model.model_bytes(size), width as u64, &tables);
    if summary.memory.exceeds(limits.memory_bytes) {
        let memory = &summary.memory;
        let (fit, max) = (memory.training.total_bytes().max(memory.other_phases_bytes), limits.memory_bytes);
        let detail = format!(
            "expected the job to take at most {max} bytes of memory, received {}: {fit} of them for the fit of a {kind} on \
             {training_rows} rows of {width} columns",
            summary.memory.peak_bytes
        );
        return Err(vec![FieldError::new("/model", detail)]);
    }
    let applied = applied(&names, prepared.unwrap_or_default(), kind, &training);
    let has_one_label = task.has_one_label();
    let targets = [TargetColumns { columns: &[target], has_one_label }];
    let of_columns = warnings::of_columns(&targets, &names, &split, rows);
    let constant = warnings::constant_features(&names, dataset.columns, &applied, Constants::of_model(traits));
    let of_task = doubtful_task(request, target, task, traits);
    let of_zones = warnings::time_zones(features.as_deref().unwrap_or_default(), validation);
    let warnings = of_task.into_iter().chain(of_columns).chain(constant).chain(of_zones).collect();
    let [number, boolean, category] = defaults.shown(&preprocessing);
    Ok(Resolved {
        target: PerOutput::One(Columns::One(target.name.clone())),
        features: names,
        inputs: None,
        training: JobTraining::Classical(training),
        task: PerOutput::One(task),
        split,
        preprocessing: JobPreprocessing {
            number,
            boolean,
            category,
            columns: preprocessing.columns,
            applied,
            target: Vec::new(),
        },
        baselines: false,
        warnings,
        summary,
        unit: model.unit().into(),
        layers: Vec::new(),
        network: None,
    })
}

/// The Gini impurity of the classes of a column; 1 where they are not counted.
fn impurity(target: &Column) -> f64 {
    let counts = || target.values.iter().flatten().map(|level| level.count as f64);
    let total: f64 = counts().sum();
    if total > 0.0 { 1.0 - counts().map(|count| (count / total).powi(2)).sum::<f64>() } else { 1.0 }
}

/// The defaults of columns for a model with these traits.
fn profile(traits: Traits) -> RecipeProfile {
    match traits {
        Traits { scaled: true, .. } => RecipeProfile::Network,
        Traits { missing: true, .. } => RecipeProfile::Trees,
        _ => RecipeProfile::Raw,
    }
}

/// The only target column; an error where there is another number of them.
fn only_target<'a>(
    request: &JobRequest,
    kind: &str,
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<&'a Column> {
    let columns = match &request.target {
        PerOutput::One(columns) => columns::targets(columns, TARGET, dataset, errors)?,
        PerOutput::Each(_) => Vec::new(),
    };
    match columns.as_slice() {
        [target] => Some(target),
        _ => {
            errors.push(FieldError::new(TARGET, format!("expected one target column: a {kind} has one output")));
            None
        }
    }
}

/// Errors of columns whose missing values stay, for a model that accepts none.
fn kept_missing(features: &[&Column], prepared: &[Prepared], traits: Traits, kind: &str) -> Vec<FieldError> {
    let keeps = |preparation: &Preparation| match preparation {
        Preparation::Number { missing, .. }
        | Preparation::Boolean { missing, .. }
        | Preparation::Category { missing, .. }
        | Preparation::Ordinal { missing, .. }
        | Preparation::Datetime { missing, .. } => missing.strategy == MissingStrategy::Keep,
    };
    let kept = features.iter().zip(prepared).filter(|(_, it)| !traits.missing && keeps(&it.preparation));
    let error = |(column, _): (&&Column, &Prepared)| {
        let detail =
            format!("expected a value for missing cells of {:?}: a {kind} accepts no missing values", column.name);
        FieldError::new("/preprocessing", detail)
    };
    kept.take(1).map(error).collect()
}

/// An error of the model's settings, which the request names.
fn of_definition(error: FieldError, request: &JobRequest) -> FieldError {
    if request.definition.is_some() {
        return error.under("/definition");
    }
    let setting = error.pointer.trim_start_matches('/').replace('/', ".");
    FieldError::new("/model", format!("{setting}: {}", error.detail))
}

/// The metrics of the request, or the usual ones.
fn metrics(training: &ClassicalTraining, task: classical::Task) -> Vec<Metric> {
    match (&training.metrics, task) {
        (Some(_), _) => training.metrics(),
        (None, classical::Task::Classification { .. }) => vec![Measure::Accuracy.into()],
        (None, classical::Task::Regression) => {
            vec![Measure::MeanAbsoluteError.into(), Measure::R2Score(R2Score::default()).into()]
        }
    }
}

fn check_training(
    training: &ClassicalTraining,
    targets: Option<&[&Column]>,
    task: Option<(Task, classical::Task)>,
    has_validation_dataset: bool,
    request: &JobRequest,
    dataset: TableView<'_>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let share = if request.split.is_some() { 0.0 } else { training.validation_split };
    let split = check_split(share, dataset.rows, has_validation_dataset);
    errors.extend(split.err().map(|detail| FieldError::new("/training/validation_split", detail)));
    if let Some(OutputSetting::InOrder(_) | OutputSetting::ByName(_)) = &training.metrics {
        errors.push(FieldError::new("/training/metrics", "expected a list of metrics: the model has one output"));
    }
    let Some(((task, of_model), targets)) = task.zip(targets) else { return errors };
    let (width, loss) = match of_model {
        classical::Task::Classification { n_classes } => {
            (n_classes, Loss::SparseCategoricalCrossentropy(Default::default()))
        }
        classical::Task::Regression => (1, Loss::MeanSquaredError),
    };
    for (index, metric) in training.metrics().iter().enumerate() {
        let (loss, width) = seen_by(metric, task, width);
        let checked = metric.check().and_then(|()| metric.check_against(&loss, width));
        errors.extend(checked.err().map(|error| error.under(&format!("/training/metrics/{index}"))));
    }
    let is_regression = of_model == classical::Task::Regression;
    if let Some(class_weight) = &training.class_weight {
        errors.extend(check_class_weight(class_weight, targets, task, width, loss).err());
    }
    if training.oversampling && (is_regression || training.class_weight.is_some()) {
        let detail = match is_regression {
            true => "expected no oversampling: it needs one target column of classes",
            false => "expected `oversampling` or `class_weight`, received both",
        };
        errors.push(FieldError::new("/training/oversampling", detail));
    }
    errors
}

fn class_column(target: &Column) -> ClassColumn<'_> {
    let count = label_count(target).unwrap_or(2);
    let by_index = indices(target, count, None);
    ClassColumn { name: &target.name, indices: by_index.then_some(count), ignored: None, is_step: false }
}

/// What becomes of the columns, equal ones together.
fn applied(
    names: &[String],
    prepared: &[Prepared],
    kind: &str,
    training: &ClassicalTraining,
) -> Vec<ColumnPreparation> {
    let default = ClassicalTraining::default().preprocessing;
    let mut applied: Vec<ColumnPreparation> = Vec::new();
    for (name, prepared) in names.iter().zip(prepared) {
        let is_scaled = matches!(&prepared.preparation, Preparation::Number { scale, .. } if !scale.is_none());
        let reason = match prepared.reason {
            Some(reason) => reason.to_owned(),
            None if is_scaled && training.preprocessing != default => "`training.preprocessing` of the job".to_owned(),
            None => format!("the default for a {kind}"),
        };
        let same = applied.iter_mut().find(|known| known.preparation == prepared.preparation && known.reason == reason);
        match same {
            Some(known) => known.columns.push(name.clone()),
            None => applied.push(ColumnPreparation {
                input: None,
                columns: vec![name.clone()],
                preparation: prepared.preparation.clone(),
                reason,
            }),
        }
    }
    applied
}
