//! The fit of a classical model: prepare, fit, measure, pack.

use crate::{
    data::{
        recipe::{CountedRows, Matrix, OutputTargets, Recipe},
        table::Table,
        weights::{ClassWeight, oversampled, weights},
    },
    engine::{
        cancel::is_cancelled,
        classical::{
            ClassicalModel, FitError, Fitted, Predictions, Progress, Run, Scores, Target, Task, TrainingData, Unit,
        },
        fit::{EpochReport, EventSink, Progress as StepProgress},
        metric::Metric,
        shape::Shape,
        spec::Limits,
    },
    job::{JobError, MAX_COUNTED_ROWS, preprocessing::by_feature, training::JobTraining},
    store::bundle::{Bundle, Description, Weights},
    worker::{
        ended::{Ended, Fit, Trained, fault},
        link::{Link, Sink},
        prepare::{Inputs, NO_SCALE, Parts, PrepareError, check_memory, check_stop, failed, invalid, read, read_parts},
    },
};
use ndarray::{Array2, Axis};
use serde_json::{Map, Value};
use std::{ops::ControlFlow, time::Instant};

/// Rows that are predicted at a time.
const BLOCK: usize = 8192;

/// Rows with what they learn.
struct Rows {
    matrix: Matrix,
    targets: Targets,
    weights: Option<Vec<f64>>,
}

enum Targets {
    Classes(Vec<u32>),
    Values(Vec<f64>),
}

impl Rows {
    fn data(&self, task: Task) -> Result<TrainingData<'_>, FitError> {
        let target = match (&self.targets, task) {
            (Targets::Classes(codes), Task::Classification { n_classes }) => Target::Classes { codes, n_classes },
            (Targets::Classes(_), Task::Regression) => Target::Values(&[]),
            (Targets::Values(values), _) => Target::Values(values),
        };
        Ok(TrainingData { features: self.matrix.features()?, target, weights: self.weights.as_deref() })
    }
}

struct Prepared {
    recipe: Recipe,
    task: Task,
    training: Rows,
    validation: Option<Rows>,
    test: Option<Rows>,
}

/// Trains `model`.
pub fn train(inputs: Inputs, model: &ClassicalModel, limits: &Limits, threads: usize, link: &Link) -> Ended {
    let began = Instant::now();
    let (stored, training) = (inputs.model.definition.clone(), inputs.job.training.clone());
    let JobTraining::Classical(training) = training else {
        return Ended::Failed(error("invalid_job", "expected the settings of a classical model".to_owned()));
    };
    let prepared = match prepare(inputs, model, limits, link) {
        Ok(prepared) => prepared,
        Err(PrepareError::Stopped) => return Ended::Stopped,
        Err(PrepareError::Failed(error)) => return Ended::Failed(error),
    };
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build() {
        Ok(pool) => pool,
        Err(error) => {
            tracing::error!(%error, "no threads for a fit");
            return Ended::Failed(fault());
        }
    };
    let rows = prepared.training.matrix.rows();
    let fitted = pool.install(|| {
        let mut reports = Reports { sink: link.sink(began, rows), link, best: None, last_done: 0 };
        reports.sink.begin();
        let validation = prepared.validation.as_ref().map(|rows| rows.data(prepared.task)).transpose()?;
        let data = prepared.training.data(prepared.task)?;
        let mut progress = |progress: Progress| reports.tell(progress);
        let seed = u32::try_from(training.seed & u64::from(u32::MAX)).unwrap_or_default();
        model.fit(&data, &mut Run { seed, cancel: link.cancelled(), progress: &mut progress, validation })
    });
    let duration = link.started().map(|started| started.at.elapsed()).unwrap_or_default();
    let fitted = match fitted {
        Ok(fitted) => fitted,
        Err(FitError::Cancelled) => return Ended::Stopped,
        Err(FitError::Setting(error_of_setting)) => {
            let setting = error_of_setting.pointer.trim_start_matches('/');
            return Ended::Failed(error("invalid_job", format!("{setting}: {}", error_of_setting.detail)));
        }
        Err(FitError::Data(detail)) => return Ended::Failed(error("invalid_data", detail)),
    };
    let measure = || measure(&*fitted, &prepared, &training.metrics(), link);
    let measured = pool.install(|| link.cancellation().within(measure));
    let (logs, confusion_matrix) = match measured {
        Ok(measured) => measured,
        Err(FitError::Cancelled) => return Ended::Stopped,
        Err(other) => return Ended::Failed(error("invalid_data", other.to_string())),
    };
    let Prepared { recipe, training: rows, .. } = prepared;
    let facts = facts(&*fitted, &rows.matrix);
    let width: usize = recipe.input_columns().map(|column| column.width()).sum();
    drop(rows);
    let arrays = fitted.arrays();
    drop(fitted);
    let (signature, constant_features) = (recipe.signature(), recipe.constant_features());
    let description = Description {
        definition: stored,
        input_shapes: vec![Shape(vec![width])],
        recipe,
        signature,
        fitted: Some(arrays.metadata.clone()),
    };
    let bundle = Bundle { description, weights: Weights::Classical(arrays) };
    match bundle.to_bytes_unless(&|| link.is_stopping()) {
        Ok(None) => Ended::Stopped,
        Ok(Some(file)) => Ended::Trained(Box::new(Trained {
            fitted: Fit::Classical { logs, messages: Vec::new(), facts },
            duration,
            summary: None,
            confusion_matrix,
            constant_features,
            description: bundle.description,
            file,
        })),
        Err(error) => {
            tracing::error!(%error, "a fitted model cannot be packed");
            Ended::Failed(fault())
        }
    }
}

fn error(code: &str, detail: String) -> JobError {
    JobError { code: code.to_owned(), detail }
}

fn prepare(inputs: Inputs, model: &ClassicalModel, limits: &Limits, link: &Link) -> Result<Prepared, PrepareError> {
    let Inputs { job, data, validation, .. } = inputs;
    check_memory(&job, limits)?;
    let columns = data.dataset.columns.clone();
    let Parts { table, rows, names } = read_parts(&job, data, validation.is_some(), link)?;
    let shared = job.training.shared();
    let task = *job.task.one().ok_or_else(|| failed("invalid_job", "expected one task".to_owned()))?;
    let targets = job.target_columns();
    let labels = columns.iter().find(|column| Some(&column.name) == targets.first());
    let classes = labels.and_then(|column| column.values.as_ref()).map_or(2, Vec::len);
    let of_model = if task.learns_numbers() { Task::Regression } else { Task::Classification { n_classes: classes } };
    let shape = Shape(vec![of_model.outputs()]);
    let output = OutputTargets {
        name: "",
        task,
        columns: &targets,
        logits: None,
        shape: &shape,
        ignore_class: None,
        scale: &NO_SCALE,
    };
    let preparations = by_feature(&job.preprocessing.applied, &job.features, None, &columns, shared.preprocessing);
    let fitted = Recipe::fit(&table, &columns, &job.features, &[output], &preparations, &rows.training);
    let fitted = fitted.map_err(invalid)?;
    check_stop(link)?;
    let recipe = &fitted.recipe;
    let native = model.traits().categories;
    let make = |x: Array2<f64>, table: &Table, rows: &[usize], class_weight: Option<&ClassWeight>, dataset: &str| {
        let explain = |error: crate::engine::field::FieldError| {
            failed("invalid_data", format!("the dataset {dataset:?}: {}", error.detail))
        };
        let targets = match of_model {
            Task::Regression => Targets::Values(recipe.numbers(table, rows).map_err(explain)?),
            Task::Classification { .. } => {
                let classes = recipe.classes(table, rows).map_err(explain)?;
                Targets::Classes(classes.into_iter().map(|class| u32::try_from(class).unwrap_or(u32::MAX)).collect())
            }
        };
        let weights = weights::<f64>(recipe, table, rows, class_weight, shared.sample_weight).map_err(explain)?;
        Ok::<_, PrepareError>(Rows {
            matrix: recipe.matrix(x, native),
            targets,
            weights: weights.map(|it| it.to_vec()),
        })
    };
    let mut x = fitted.training_inputs::<f64>(&table, &rows.training);
    let mut training_rows = rows.training;
    if shared.oversampling {
        let classes = recipe.classes(&table, &training_rows);
        let classes = classes.map_err(|error| failed("invalid_data", error.detail))?;
        let positions = oversampled(&classes);
        x = x.select(Axis(0), &positions);
        training_rows = positions.iter().filter_map(|position| training_rows.get(*position).copied()).collect();
    }
    let training = make(x, &table, &training_rows, shared.class_weight, &job.dataset)?;
    check_stop(link)?;
    let validation = match validation {
        Some(input) => {
            let name = input.dataset.name.clone();
            let table = read(input, &names, link)?;
            let rows: Vec<usize> = (0..table.rows).collect();
            Some(make(recipe.inputs(&table, &rows), &table, &rows, None, &name)?)
        }
        None if rows.validation.is_empty() => None,
        None => {
            let x = recipe.inputs(&table, &rows.validation);
            Some(make(x, &table, &rows.validation, None, &job.dataset)?)
        }
    };
    let test = match rows.test.is_empty() {
        true => None,
        false => Some(make(recipe.inputs(&table, &rows.test), &table, &rows.test, None, &job.dataset)?),
    };
    check_stop(link)?;
    Ok(Prepared { recipe: fitted.recipe, task: of_model, training, validation, test })
}

/// Tells the slot of the progress of a fit.
struct Reports<'a> {
    sink: Sink<'a>,
    link: &'a Link,
    /// The best loss so far, and its round.
    best: Option<(f64, u32)>,
    last_done: usize,
}

impl Reports<'_> {
    /// An event for every round and group of trees; progress of what has no losses on its way.
    fn tell(&mut self, progress: Progress) {
        let Progress { done, total, unit, training, validation, .. } = progress;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if !matches!(unit, Unit::Trees | Unit::Rounds) {
            let _: ControlFlow<()> =
                self.sink.step(StepProgress { epoch: 1, step: done, steps: total, loss: f64::NAN });
            return;
        }
        self.link.set_total(count(total));
        if done <= self.last_done {
            return;
        }
        self.last_done = done;
        let losses = [("loss", training), ("val_loss", validation)];
        let logs = losses.into_iter().filter_map(|(name, loss)| Some((name.to_owned(), loss?))).collect();
        let watched = validation.or(training);
        if watched.is_some_and(|loss| self.best.is_none_or(|(best, _)| loss < best)) {
            self.best = watched.map(|loss| (loss, count(done)));
        }
        let best_epoch = self.best.map_or(0, |(_, round)| round);
        let report = EpochReport { epoch: count(done), logs, learning_rate: f64::NAN, best_epoch };
        let _: ControlFlow<()> = self.sink.epoch(report);
    }
}

/// Predictions of all rows of a matrix.
fn predict(fitted: &dyn Fitted, matrix: &Matrix, link: &Link) -> Result<Predictions, FitError> {
    let mut all: Option<Predictions> = None;
    let mut first = 0;
    while first < matrix.rows() {
        let last = matrix.rows().min(first + BLOCK);
        let part = fitted.predict(&matrix.features_of(first..last)?, link.cancelled())?;
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

type Measured = (Vec<(String, f64)>, Option<crate::data::recipe::ConfusionMatrix>);

/// Metrics of every part, and the confusion matrix of the validation rows.
fn measure(fitted: &dyn Fitted, prepared: &Prepared, metrics: &[Metric], link: &Link) -> Result<Measured, FitError> {
    let parts =
        [("", Some(&prepared.training)), ("val_", prepared.validation.as_ref()), ("test_", prepared.test.as_ref())];
    let (mut logs, mut matrix) = (Vec::new(), None);
    for (prefix, rows) in parts {
        let Some(rows) = rows else { continue };
        let predictions = predict(fitted, &rows.matrix, link)?;
        let weights = rows.weights.as_deref().filter(|_| prefix.is_empty());
        let of_part = evaluate(metrics, &predictions, &rows.targets, weights);
        logs.extend(of_part.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
        if prefix != "test_" {
            let counted = if prefix.is_empty() { CountedRows::Training } else { CountedRows::Validation };
            matrix = confusion_matrix(&prepared.recipe, counted, &predictions, &rows.targets);
        }
    }
    Ok((logs, matrix))
}

/// The metrics, after `log_loss` of probabilities and `mean_squared_error` of numbers.
fn evaluate(
    metrics: &[Metric],
    predictions: &Predictions,
    targets: &Targets,
    weights: Option<&[f64]>,
) -> Vec<(String, f64)> {
    let mut logs = Vec::new();
    let weight = |row: usize| weights.and_then(|weights| weights.get(row)).copied().unwrap_or(1.0);
    let total: f64 = (0..predictions.scores.nrows()).map(weight).sum();
    let rows = predictions.scores.rows().into_iter().enumerate();
    let width = predictions.scores.ncols();
    let (targets, output): (Vec<f64>, Vec<f64>) = match targets {
        Targets::Classes(codes) => {
            if predictions.kind == Scores::Probabilities {
                let of_class = |row: usize, scores: ndarray::ArrayView1<'_, f64>| {
                    let class = codes.get(row).map_or(0, |code| *code as usize);
                    let probability = scores.get(class).copied().unwrap_or_default();
                    probability.max(f64::EPSILON).ln() * weight(row)
                };
                let sum: f64 = rows.map(|(row, scores)| of_class(row, scores)).sum();
                // Not -0 where every probability is 1.
                logs.push(("log_loss".to_owned(), 0.0 - sum / total));
                (codes.iter().map(|code| f64::from(*code)).collect(), predictions.scores.iter().copied().collect())
            } else {
                // Scores are no probabilities: what metrics see is the chosen class.
                let mut chosen = vec![0.0; width * codes.len()];
                for (row, label) in chosen.chunks_exact_mut(width.max(1)).zip(&predictions.labels) {
                    if let Some(cell) = row.get_mut(*label as usize) {
                        *cell = 1.0;
                    }
                }
                (codes.iter().map(|code| f64::from(*code)).collect(), chosen)
            }
        }
        Targets::Values(values) => {
            let squared = |(row, scores): (usize, ndarray::ArrayView1<'_, f64>)| {
                let difference =
                    scores.first().copied().unwrap_or_default() - values.get(row).copied().unwrap_or_default();
                difference * difference * weight(row)
            };
            logs.push(("mean_squared_error".to_owned(), rows.map(squared).sum::<f64>() / total));
            (values.clone(), predictions.scores.iter().copied().collect())
        }
    };
    for metric in metrics.iter().take_while(|_| !is_cancelled()) {
        let name = metric.name();
        if logs.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let mut sums = vec![0.0; metric.sums(width)];
        metric.update(&targets, &output, width, &mut sums);
        logs.push((name, metric.result(&sums)));
    }
    logs
}

fn confusion_matrix(
    recipe: &Recipe,
    counted: CountedRows,
    predictions: &Predictions,
    targets: &Targets,
) -> Option<crate::data::recipe::ConfusionMatrix> {
    let Targets::Classes(codes) = targets else { return None };
    let targets = Array2::from_shape_fn((codes.len(), 1), |(row, _)| codes.get(row).map_or(0.0, |code| *code as f32));
    let width = predictions.scores.ncols();
    recipe.confusion_matrix(counted, targets.view(), MAX_COUNTED_ROWS, |rows| {
        let labels = predictions.labels.get(rows).filter(|_| !is_cancelled())?;
        Some(Array2::from_shape_fn((labels.len(), width), |(row, class)| {
            f32::from(u8::from(labels.get(row).is_some_and(|label| *label as usize == class)))
        }))
    })
}

/// What a version says of its fit.
fn facts(fitted: &dyn Fitted, matrix: &Matrix) -> Map<String, Value> {
    let mut facts = match fitted.summary() {
        Value::Object(facts) => facts,
        _ => Map::new(),
    };
    // The events have them.
    facts.retain(|name, _| !["train_score", "validation_score"].contains(&name.as_str()));
    facts.insert("n_columns".to_owned(), matrix.columns().into());
    if fitted.trees() > 0 {
        facts.insert("n_trees".to_owned(), fitted.trees().into());
    }
    facts
}
