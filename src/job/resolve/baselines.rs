//! The baselines of a job: simple models on the same target, columns and rows.

use super::{classical, request::JobRequest, resolved::Resolved, table_view::TableView};
use crate::{
    data::{
        named::PerOutput,
        recipe::{Task, TaskKind},
    },
    engine::{classical::ClassicalModel, field::parse, spec::Limits},
    job::{Columns, JobSplit, Labels, TaskRequest, preprocessing::JobPreprocessing, training::JobTraining},
};
use serde_json::{Map, Value, json};

/// Rows up to which a job has baselines unless it says otherwise.
const MAX_DEFAULT_ROWS: u64 = 100_000;
/// Features up to which it has them.
const MAX_DEFAULT_FEATURES: usize = 1000;
/// Memory that a baseline may take in any job; in a larger one it may take twice as much as the job.
const SMALL_BYTES: u64 = 128 << 20;

/// The baseline that ignores the features. Compared rows have no weights, so that it is the best such prediction without them.
const DUMMY: &str = "dummy";

/// The baselines for classes and for numbers, in the order in which they are fitted, with their maximum of training rows.
const CLASSIFIERS: [(&str, usize); 6] = [
    (DUMMY, usize::MAX),
    ("logistic_regression", usize::MAX),
    ("decision_tree", usize::MAX),
    ("gradient_boosting", usize::MAX),
    ("k_neighbors", 20_000),
    ("svm", 2_000),
];
const REGRESSORS: [(&str, usize); 6] = [
    (DUMMY, usize::MAX),
    ("ridge", usize::MAX),
    ("decision_tree", usize::MAX),
    ("gradient_boosting", usize::MAX),
    ("k_neighbors", 20_000),
    ("svm", 2_000),
];

/// What a job and its baselines share.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// Target of the job.
    pub target: &'a PerOutput<Columns>,
    /// Its features.
    pub features: &'a [String],
    /// Its task.
    pub task: &'a PerOutput<Task>,
    /// Its split.
    pub split: &'a JobSplit,
    /// What becomes of its columns.
    pub preprocessing: &'a JobPreprocessing,
    /// Its settings.
    pub training: &'a JobTraining,
    /// A classical model.
    pub model: Option<&'a ClassicalModel>,
}

/// A baseline: its model, and the job that it would be.
#[derive(Debug)]
pub struct Baseline {
    /// The type of the model.
    pub name: &'static str,
    /// The model with what is resolved for it; or why it is left out.
    pub plan: Result<(ClassicalModel, Box<Resolved>), String>,
}

/// Whether a job has baselines, and the memory of the largest one; 0 without. `asked` is the request's own choice.
///
/// # Errors
/// Where they are asked for and cannot be.
pub(super) fn choose(
    asked: Option<bool>,
    compared: Compared<'_>,
    own_bytes: u64,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Result<(bool, u64), String> {
    let is_small = dataset.rows <= MAX_DEFAULT_ROWS && compared.features.len() <= MAX_DEFAULT_FEATURES;
    let obstacle = obstacle(compared, dataset, validation);
    match (asked, obstacle) {
        (Some(false), _) | (None, Some(_)) => return Ok((false, 0)),
        (None, None) if !is_small => return Ok((false, 0)),
        (Some(true), Some(obstacle)) => return Err(obstacle),
        (_, None) => {}
    }
    let max = own_bytes.saturating_mul(2).max(SMALL_BYTES);
    let bytes = baselines(compared, dataset, validation, limits).into_iter().filter_map(|baseline| {
        let (_, resolved) = baseline.plan.ok()?;
        Some(resolved.summary.memory.peak_bytes).filter(|bytes| *bytes <= max)
    });
    Ok((true, bytes.max().unwrap_or(0)))
}

/// Why a job cannot be compared.
fn obstacle(compared: Compared<'_>, dataset: TableView<'_>, validation: Option<TableView<'_>>) -> Option<String> {
    let (Some(target), Some(task)) = (only_target(compared.target), compared.task.one()) else {
        return Some("expected false: baselines learn one target column, and the job has several".to_owned());
    };
    if !(task.has_one_label() || *task == Task::Regression) {
        return Some("expected false: baselines learn one class or one number per row".to_owned());
    }
    if compared.features.iter().any(|feature| feature == target) {
        return Some(format!("expected false: the target {target:?} is among the features"));
    }
    let by = compared.split.column.as_deref();
    let by = by.and_then(|name| dataset.columns.iter().find(|column| column.name == name));
    let parts = compared.split.parts(usize::try_from(dataset.rows).unwrap_or(usize::MAX), by);
    let has_rows = validation.is_some() || parts.validation > 0 || parts.has_test;
    (!has_rows).then(|| {
        "expected validation or test rows to compare on: set `split.validation`, `split.test` or `validation_dataset`".to_owned()
    })
}

fn only_target(target: &PerOutput<Columns>) -> Option<&String> {
    match target.one()?.names() {
        [target] => Some(target),
        _ => None,
    }
}

/// The baselines of a job, in the order in which they are fitted; none where it cannot have any.
pub fn baselines(
    compared: Compared<'_>,
    dataset: TableView<'_>,
    validation: Option<TableView<'_>>,
    limits: &Limits,
) -> Vec<Baseline> {
    let (Some(target), Some(task)) = (only_target(compared.target), compared.task.one()) else { return Vec::new() };
    let is_regression = task.kind() == Some(TaskKind::Regression);
    let candidates = if is_regression { REGRESSORS } else { CLASSIFIERS };
    let request = |is_weighted| request(compared, target, is_regression, validation.is_some(), is_weighted);
    let (weighted, unweighted) = (request(true), request(false));
    let rows = usize::try_from(dataset.rows).unwrap_or(usize::MAX);
    let by = compared.split.column.as_deref();
    let by = by.and_then(|name| dataset.columns.iter().find(|column| column.name == name));
    let training_rows = compared.split.parts(rows, by).training;
    let plan = |name: &str, max_rows: usize| {
        if training_rows > max_rows {
            return Err(format!("expected at most {max_rows} training rows, received {training_rows}"));
        }
        let model: ClassicalModel = parse(&json!({"type": name})).map_err(|error| error.detail)?;
        let request = if name == DUMMY { &unweighted } else { &weighted };
        let resolved = classical::resolve(request, &model, dataset, validation, limits);
        let resolved = resolved.map_err(|errors| {
            errors.first().map(|error| format!("{}: {}", error.pointer, error.detail)).unwrap_or_default()
        })?;
        Ok((model, Box::new(resolved)))
    };
    let kind = compared.model.map(ClassicalModel::kind);
    let others = candidates.into_iter().filter(|(name, _)| kind != Some(*name));
    others.map(|(name, max_rows)| Baseline { name, plan: plan(name, max_rows) }).collect()
}

/// The request of a baseline, with the weights of the job's rows and classes where `is_weighted`.
fn request(
    compared: Compared<'_>,
    target: &str,
    is_regression: bool,
    has_validation: bool,
    is_weighted: bool,
) -> JobRequest {
    let shared = compared.training.shared();
    let balances = is_weighted && !shared.oversampling && compared.model.is_some_and(ClassicalModel::balances_classes);
    let class_weight = shared.class_weight.filter(|_| is_weighted).map(|weight| json!(weight));
    let task = if is_regression { TaskRequest::Regression } else { TaskRequest::Classification };
    let columns = &compared.preprocessing.columns;
    let preprocessing = (!columns.is_empty()).then(|| json!({"columns": columns}));
    let mut training = Map::new();
    training.insert("seed".to_owned(), shared.seed.into());
    training.insert("oversampling".to_owned(), (is_weighted && shared.oversampling).into());
    if !has_validation {
        training.insert("validation_split".to_owned(), compared.split.validation.into());
    }
    JobRequest {
        model: String::new(),
        dataset: String::new(),
        target: PerOutput::One(Columns::One(target.to_owned())),
        task: Some(PerOutput::One(task)),
        features: Some(compared.features.to_vec()),
        inputs: None,
        validation_dataset: None,
        class_weight: class_weight.or(balances.then(|| json!("balanced"))),
        sample_weight: shared.sample_weight.filter(|_| is_weighted).map(str::to_owned),
        split: None,
        preprocessing,
        training: Some(Value::Object(training)),
        baselines: Some(false),
        labels: Labels::default(),
        note: None,
        priority: None,
        definition: None,
    }
}
