//! The fit of a classical model: prepare, fit, measure, pack.

use crate::{
    data::recipe::{CountedRows, Matrix, Task as RecipeTask},
    engine::{
        cancel::is_cancelled,
        classical::{Arrays, ClassicalModel, FitError, Fitted, Predictions, Progress, Run, Scores, Unit},
        fit::{EpochReport, EventSink, Progress as StepProgress},
        metric::Metric,
        shape::Shape,
        spec::Limits,
    },
    job::{
        JobError, MAX_COUNTED_ROWS, PermutationImportances, ProgressUnit,
        training::{ClassicalTraining, JobTraining, seen_by},
    },
    store::bundle::{Bundle, Description, Weights},
    worker::{
        baselines::{OwnModel, leaderboard},
        classical_rows::{Plan, Prepared, Targets, predict, prepare_rows},
        ended::{Ended, Fit, Trained, fault},
        importances::{Measured, directed, permute, sample},
        link::{Link, Sink},
        prepare::{Inputs, Parts, PrepareError, check_memory, failed, read, read_parts},
    },
};
use ndarray::Array2;
use serde_json::{Map, Value};
use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// What a row costs in a tree, in multiply-adds.
const OPERATIONS_OF_TREE: u64 = 256;

/// Trains `model`.
pub fn train(mut inputs: Inputs, model: &ClassicalModel, limits: &Limits, threads: usize, link: &Link) -> Ended {
    let began = link.worked();
    let baselines = inputs.baselines.take().map(|baselines| (inputs.job.clone(), baselines));
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
        let finish = AtomicBool::new(false);
        let mut reports =
            Reports { sink: link.sink(began, rows), link, best: None, last_done: 0, finish: &finish, finished: None };
        reports.sink.begin();
        let validation = prepared.validation.as_ref().map(|rows| rows.data(prepared.task)).transpose()?;
        let data = prepared.training.data(prepared.task)?;
        let mut progress = |progress: Progress| reports.tell(progress);
        let seed = u32::try_from(training.seed & u64::from(u32::MAX)).unwrap_or_default();
        let fitted = model.fit(
            &data,
            &mut Run { seed, cancel: link.cancelled(), finish: &finish, progress: &mut progress, validation },
        )?;
        Ok::<_, FitError>((fitted, reports.finished))
    });
    let duration = link.trained().unwrap_or_default();
    let (fitted, finished) = match fitted {
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
    let compared = baselines.is_some().then(|| pool.install(|| compared(&*fitted, &prepared, link))).flatten();
    let arrays = fitted.arrays();
    let importances = pool.install(|| importances(&*fitted, &arrays, &prepared, &training, link));
    let Prepared { recipe, training: rows, warnings, .. } = prepared;
    let facts = facts(&*fitted, &rows.matrix);
    let warnings = warnings.into_iter().chain(not_converged(&facts, model.kind())).collect();
    let width: usize = recipe.input_columns().map(|column| column.width()).sum();
    drop((rows, fitted));
    let (signature, constant_features) = (recipe.signature(), recipe.constant_features());
    let description = Description {
        definition: stored,
        input_shapes: vec![Shape(vec![width])],
        recipe,
        signature,
        fitted: Some(arrays.metadata.clone()),
        importances,
    };
    let bundle = Bundle { description, weights: Weights::Classical(arrays) };
    match bundle.to_bytes_unless(&|| link.must_stop()) {
        Ok(None) => Ended::Stopped,
        Ok(Some(file)) => {
            let leaderboard = baselines.zip(compared).and_then(|((job, files), (points, predict))| {
                let labels = bundle.description.recipe.labels().to_vec();
                let own = OwnModel {
                    model: Some(model.clone()),
                    points,
                    labels,
                    fit: duration,
                    predict,
                    bytes: file.len() as u64,
                };
                leaderboard(&job, files, own, limits, threads, link)
            });
            Ended::Trained(Box::new(Trained {
                fitted: Fit::Classical { logs, messages: finished.into_iter().collect(), facts },
                duration,
                summary: None,
                confusion_matrix,
                leaderboard,
                constant_features,
                warnings,
                description: bundle.description,
                file,
            }))
        }
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
    let missing = data.dataset.read.options().missing.unwrap_or_default();
    let Parts { table, rows, names } = read_parts(&job, data, validation.is_some(), link)?;
    let validation = match validation {
        Some(input) => {
            let name = input.dataset.name.clone();
            Some((read(input, &names, link)?, name))
        }
        None => None,
    };
    let task = *job.task.one().ok_or_else(|| failed("invalid_job", "expected one task".to_owned()))?;
    let plan = Plan {
        dataset: &job.dataset,
        columns: &columns,
        target: &job.target_columns(),
        features: &job.features,
        task,
        applied: &job.preprocessing.applied,
        training: job.training.shared(),
    };
    let validation = validation.as_ref().map(|(table, name)| (table, name.as_str()));
    let mut prepared = prepare_rows(&plan, model, &table, &rows, validation, &|| link.must_stop())?;
    prepared.recipe.set_missing(missing);
    Ok(prepared)
}

/// Tells the task of the progress of a fit.
struct Reports<'a> {
    sink: Sink<'a>,
    link: &'a Link,
    /// The best loss so far, and its round.
    best: Option<(f64, u32)>,
    last_done: usize,
    /// Set to end the fit with what it has.
    finish: &'a AtomicBool,
    /// What the user is told of that.
    finished: Option<String>,
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
        if done < total && self.sink.ends_after(count(done)) {
            self.finish.store(true, Ordering::Relaxed);
            let units = ProgressUnit::from(unit).name();
            self.finished = Some(format!("finished on request after {done} of {total} {units}: the model has these"));
        }
    }
}

/// What the model says of the rows on which it is compared, and how long that takes.
fn compared(fitted: &dyn Fitted, prepared: &Prepared, link: &Link) -> Option<(Vec<f64>, Duration)> {
    let rows = prepared.test.as_ref().or(prepared.validation.as_ref())?;
    let began = Instant::now();
    let points = predict(fitted, &rows.matrix, link.cancelled(), &|| link.must_stop()).ok()?.points();
    Some((points, began.elapsed()))
}

/// What each column of the table contributes to the predictions; nothing where that would take too long.
fn importances(
    fitted: &dyn Fitted,
    arrays: &Arrays,
    prepared: &Prepared,
    training: &ClassicalTraining,
    link: &Link,
) -> Option<PermutationImportances> {
    let (part, rows) = match &prepared.validation {
        Some(rows) => (CountedRows::Validation, rows),
        None => (CountedRows::Training, &prepared.training),
    };
    let cost = match fitted.trees() {
        0 => arrays.elements_of_all(),
        trees => OPERATIONS_OF_TREE.saturating_mul(trees as u64),
    };
    let columns = prepared.recipe.columns_of_matrix();
    let chosen = sample(rows.matrix.rows(), columns.len(), cost, training.seed)?;
    let (matrix, targets) = (rows.matrix.select(&chosen), rows.targets.select(&chosen));
    let metrics = training.metrics();
    let (metric, goal) = directed(&metrics)?;
    let (name, metrics) = (metric.name(), [metric.clone()]);
    let measured = Measured { metric: &name, goal, part, rows: chosen.len(), seed: training.seed };
    let (mut permuted, natural) = (matrix.clone(), (0..chosen.len()).collect::<Vec<_>>());
    permute(columns, &measured, |ranges, order| {
        ranges.iter().for_each(|range| permuted.permute(range.clone(), &matrix, order));
        let predictions = predict(fitted, &permuted, link.cancelled(), &|| link.must_stop()).ok()?;
        ranges.iter().for_each(|range| permuted.permute(range.clone(), &matrix, &natural));
        let logs = evaluate(&metrics, prepared, &predictions, &targets, None);
        logs.into_iter().find_map(|(known, value)| (known == name).then_some(value))
    })
}

type MeasuredParts = (Vec<(String, f64)>, Option<crate::data::recipe::ConfusionMatrix>);

/// Metrics of every part, and the confusion matrix of the validation rows.
fn measure(
    fitted: &dyn Fitted,
    prepared: &Prepared,
    metrics: &[Metric],
    link: &Link,
) -> Result<MeasuredParts, FitError> {
    let parts =
        [("", Some(&prepared.training)), ("val_", prepared.validation.as_ref()), ("test_", prepared.test.as_ref())];
    let (mut logs, mut matrix) = (Vec::new(), None);
    for (prefix, rows) in parts {
        let Some(rows) = rows else { continue };
        let predictions = predict(fitted, &rows.matrix, link.cancelled(), &|| link.must_stop())?;
        let weights = rows.weights.as_deref().filter(|_| prefix.is_empty());
        let of_part = evaluate(metrics, prepared, &predictions, &rows.targets, weights);
        logs.extend(of_part.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
        if prefix != "test_" {
            let counted = if prefix.is_empty() { CountedRows::Training } else { CountedRows::Validation };
            matrix = confusion_matrix(prepared, counted, &predictions, &rows.targets);
        }
    }
    Ok((logs, matrix))
}

/// The metrics, after `log_loss` of probabilities and `mean_squared_error` of numbers.
fn evaluate(
    metrics: &[Metric],
    prepared: &Prepared,
    predictions: &Predictions,
    targets: &Targets,
    weights: Option<&[f64]>,
) -> Vec<(String, f64)> {
    let mut logs = Vec::new();
    let weight = |row: usize| weights.and_then(|weights| weights.get(row)).copied().unwrap_or(1.0);
    let total: f64 = (0..predictions.scores.nrows()).map(weight).sum();
    let rows = predictions.scores.rows().into_iter().enumerate();
    let outputs = prepared.task.outputs();
    let (targets, output): (Vec<f64>, Vec<f64>) = match targets {
        Targets::Classes(codes) => {
            let output = if predictions.kind == Scores::Probabilities {
                let of_class = |row: usize, scores: ndarray::ArrayView1<'_, f64>| {
                    let class = codes.get(row).map_or(0, |code| *code as usize);
                    let probability = scores.get(class).copied().unwrap_or_default();
                    probability.max(f64::EPSILON).ln() * weight(row)
                };
                let sum: f64 = rows.map(|(row, scores)| of_class(row, scores)).sum();
                // Not -0 where every probability is 1.
                logs.push(("log_loss".to_owned(), 0.0 - sum / total));
                predictions.scores.iter().copied().collect()
            } else {
                // Scores are no probabilities: what metrics see is the chosen class.
                let mut chosen = vec![0.0; outputs * codes.len()];
                for (row, label) in chosen.chunks_exact_mut(outputs.max(1)).zip(&predictions.labels) {
                    if let Some(cell) = row.get_mut(*label as usize) {
                        *cell = 1.0;
                    }
                }
                chosen
            };
            (codes.iter().map(|code| f64::from(*code)).collect(), output)
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
    let of_second: Vec<f64> = output.iter().skip(1).step_by(outputs.max(1)).copied().collect();
    for metric in metrics.iter().take_while(|_| !is_cancelled()) {
        let name = metric.name();
        if logs.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let (loss, width) = seen_by(metric, prepared.learns, outputs);
        let output = if width == outputs { &output } else { &of_second };
        let metric = metric.resolve(&loss);
        let mut sums = vec![0.0; metric.sums(width)];
        metric.update(&targets, output, width, &mut sums);
        logs.push((name, metric.result(&sums)));
    }
    logs
}

fn confusion_matrix(
    prepared: &Prepared,
    counted: CountedRows,
    predictions: &Predictions,
    targets: &Targets,
) -> Option<crate::data::recipe::ConfusionMatrix> {
    let Targets::Classes(codes) = targets else { return None };
    let targets = Array2::from_shape_fn((codes.len(), 1), |(row, _)| codes.get(row).map_or(0.0, |code| *code as f32));
    // One output for two classes says whether it is the second one.
    let (width, first) = if prepared.learns == RecipeTask::Binary { (1, 1) } else { (prepared.task.outputs(), 0) };
    prepared.recipe.confusion_matrix(counted, targets.view(), MAX_COUNTED_ROWS, |rows| {
        let labels = predictions.labels.get(rows).filter(|_| !is_cancelled())?;
        Some(Array2::from_shape_fn((labels.len(), width), |(row, output)| {
            f32::from(u8::from(labels.get(row).is_some_and(|label| *label as usize == first + output)))
        }))
    })
}

/// What the user is told of a fit that ended before its minimum.
fn not_converged(facts: &Map<String, Value>, kind: &str) -> Option<String> {
    (facts.get("converged") == Some(&Value::Bool(false))).then(|| {
        format!(
            "the {kind} ended before it converged: its numbers are not those of the minimum; raise `max_iter` or `tol`"
        )
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
