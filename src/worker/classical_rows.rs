//! The rows of a classical model: a recipe, a matrix of columns, and what they learn.

use crate::{
    data::{
        recipe::{self, Matrix, OutputTargets, Recipe},
        schema::Column,
        split::Split,
        table::Table,
        weights::{ClassWeight, class_weights, oversampled, weights},
    },
    engine::{
        classical::{ClassicalModel, FitError, Fitted, Predictions, Target, Task, TrainingData},
        field::FieldError,
        shape::Shape,
    },
    job::{
        preprocessing::{ColumnPreparation, by_feature},
        training::SharedTraining,
    },
    worker::prepare::{NO_SCALE, PrepareError, classes_not_trained, failed, invalid},
};
use ndarray::{Array2, Axis};
use std::sync::atomic::AtomicBool;

/// Rows that are predicted at a time.
const BLOCK: usize = 8192;

/// Rows with what they learn.
pub struct Rows {
    pub matrix: Matrix,
    pub targets: Targets,
    pub weights: Option<Vec<f64>>,
    /// By class, for a model that does not multiply them with those of the rows.
    pub class_weights: Option<Vec<f64>>,
}

pub enum Targets {
    Classes(Vec<u32>),
    Values(Vec<f64>),
}

impl Targets {
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(codes) => Self::Classes(rows.iter().filter_map(|row| codes.get(*row).copied()).collect()),
            Self::Values(values) => Self::Values(rows.iter().filter_map(|row| values.get(*row).copied()).collect()),
        }
    }
}

impl Rows {
    pub fn data(&self, task: Task) -> Result<TrainingData<'_>, FitError> {
        let target = match (&self.targets, task) {
            (Targets::Classes(codes), Task::Classification { n_classes }) => Target::Classes { codes, n_classes },
            (Targets::Classes(_), Task::Regression) => Target::Values(&[]),
            (Targets::Values(values), _) => Target::Values(values),
        };
        let (features, class_weights) = (self.matrix.features()?, self.class_weights.as_deref());
        Ok(TrainingData { features, target, weights: self.weights.as_deref(), class_weights })
    }
}

/// Ready to fit.
pub struct Prepared {
    pub recipe: Recipe,
    /// What the target is to the recipe.
    pub learns: recipe::Task,
    pub task: Task,
    pub training: Rows,
    pub validation: Option<Rows>,
    pub test: Option<Rows>,
    /// What the user is told.
    pub warnings: Vec<String>,
}

/// What is prepared, of a job or of one of its baselines.
pub struct Plan<'a> {
    /// The dataset's name.
    pub dataset: &'a str,
    /// Its columns.
    pub columns: &'a [Column],
    pub target: &'a [String],
    pub features: &'a [String],
    pub task: recipe::Task,
    pub applied: &'a [ColumnPreparation],
    pub training: SharedTraining<'a>,
}

/// Fits a recipe on the training rows of `table` and prepares every part. `validation` is the table of the validation dataset with its
/// name.
pub fn prepare_rows(
    plan: &Plan<'_>,
    model: &ClassicalModel,
    table: &Table,
    rows: &Split,
    validation: Option<(&Table, &str)>,
    is_stopping: &dyn Fn() -> bool,
) -> Result<Prepared, PrepareError> {
    let check_stop = || if is_stopping() { Err(PrepareError::Stopped) } else { Ok(()) };
    let shared = plan.training;
    let labels = plan.columns.iter().find(|column| Some(&column.name) == plan.target.first());
    let classes = labels.and_then(|column| column.values.as_ref()).map_or(2, Vec::len);
    let task = if plan.task.learns_numbers() { Task::Regression } else { Task::Classification { n_classes: classes } };
    let shape = Shape(vec![task.outputs()]);
    let output = OutputTargets {
        name: "",
        task: plan.task,
        columns: plan.target,
        logits: None,
        probabilities: false,
        shape: &shape,
        ignore_class: None,
        scale: &NO_SCALE,
    };
    let preparations = by_feature(plan.applied, plan.features, None, plan.columns, shared.preprocessing);
    let fitted = Recipe::fit(table, plan.columns, plan.features, &[output], &preparations, &rows.training);
    let mut fitted = fitted.map_err(invalid)?;
    check_stop()?;
    let mut x = fitted.training_inputs::<f64>(table, &rows.training);
    let merged = if model.reads_32_bits() { fitted.keep_apart(&mut x) } else { Vec::new() };
    let recipe = &fitted.recipe;
    let native = model.traits().categories;
    let make = |x: Array2<f64>, table: &Table, rows: &[usize], class_weight: Option<&ClassWeight>, dataset: &str| {
        let explain = |error: FieldError| failed("invalid_data", format!("the dataset {dataset:?}: {}", error.detail));
        recipe.check_scaled(table, rows, &x).map_err(explain)?;
        let targets = match task {
            Task::Regression => Targets::Values(recipe.numbers(table, rows).map_err(explain)?),
            Task::Classification { .. } => {
                let classes = recipe.classes(table, rows).map_err(explain)?;
                Targets::Classes(classes.into_iter().map(|class| u32::try_from(class).unwrap_or(u32::MAX)).collect())
            }
        };
        let apart = class_weight.filter(|_| model.weighs_classes());
        let class_weights = apart.map(|it| class_weights(recipe, table, rows, it)).transpose().map_err(explain)?;
        let class_weight = class_weight.filter(|_| class_weights.is_none());
        let weights = weights::<f64>(recipe, table, rows, class_weight, shared.sample_weight).map_err(explain)?;
        Ok::<_, PrepareError>(Rows {
            matrix: recipe.matrix(x, native),
            targets,
            weights: weights.map(|it| it.to_vec()),
            class_weights,
        })
    };
    let mut training_rows = rows.training.clone();
    if shared.oversampling {
        let classes = recipe.classes(table, &training_rows);
        let classes = classes.map_err(|error| failed("invalid_data", error.detail))?;
        let positions = oversampled(&classes);
        x = x.select(Axis(0), &positions);
        training_rows = positions.iter().filter_map(|position| training_rows.get(*position).copied()).collect();
    }
    let training = make(x, table, &training_rows, shared.class_weight, plan.dataset)?;
    check_stop()?;
    let part = |table: &Table, rows: &[usize], dataset: &str| -> Result<Option<Rows>, PrepareError> {
        match rows.is_empty() {
            true => Ok(None),
            false => make(recipe.inputs(table, rows), table, rows, None, dataset).map(Some),
        }
    };
    let validation = match validation {
        Some((table, name)) => part(table, &(0..table.rows).collect::<Vec<_>>(), name)?,
        None => part(table, &rows.validation, plan.dataset)?,
    };
    let test = part(table, &rows.test, plan.dataset)?;
    check_stop()?;
    let merged = merged.into_iter().map(|(name, count)| {
        let kind = model.kind();
        format!(
            "{count} different numbers of {name:?} are one with another in the 32 bits in which a {kind} reads its columns, as scikit-learn's \
             does; the scale quantile or log1p, or the type category, may keep them apart"
        )
    });
    let warnings = merged.chain(classes_not_trained(recipe, table, rows)).collect();
    Ok(Prepared { recipe: fitted.recipe, learns: plan.task, task, training, validation, test, warnings })
}

/// Predictions of all rows of a matrix.
pub fn predict(
    fitted: &dyn Fitted,
    matrix: &Matrix,
    cancel: &AtomicBool,
    is_stopping: &dyn Fn() -> bool,
) -> Result<Predictions, FitError> {
    let mut all: Option<Predictions> = None;
    let mut first = 0;
    while first < matrix.rows() {
        if is_stopping() {
            return Err(FitError::Cancelled);
        }
        let last = matrix.rows().min(first + BLOCK);
        let part = fitted.predict(&matrix.features_of(first..last)?, cancel)?;
        match &mut all {
            None => all = Some(part),
            Some(all) => {
                all.scores.append(Axis(0), part.scores.view()).map_err(|error| FitError::data(error.to_string()))?;
                all.labels.extend(part.labels);
            }
        }
        first = last;
    }
    all.ok_or_else(|| FitError::data("expected at least 1 row, received 0"))
}
