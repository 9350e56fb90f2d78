//! What runs on the fit thread: prepare, fit, and pack the weights.

use crate::{
    data::recipe::{CountedRows, Recipe},
    engine::{
        fit::{FitError, evaluate, resume},
        kernel::Team,
        spec::Limits,
    },
    job::{JobError, MAX_COUNTED_ROWS, ModelDefinition},
    store::bundle::{Bundle, Description, Weights},
    worker::{
        baselines::{OwnModel, leaderboard},
        checkpoints::Keeper,
        classical,
        ended::{Ended, Fit, Trained, fault},
        importances,
        link::Link,
        prepare::{Inputs, PrepareError, Prepared, Tensors, prepare},
    },
};
use ndarray::{Array2, ArrayView2, Axis, s};
use std::{io::Read, time::Instant};

/// Multiply-adds of the rows of a confusion matrix that are predicted between two looks at the stop flag: a few milliseconds.
const COUNTED_WORK: u64 = 1 << 26;

/// Trains, and ends soon after a stop is requested.
pub fn train(inputs: Inputs, limits: &Limits, threads: usize, link: &Link) -> Ended {
    let ended = link.cancellation().within(|| run(inputs, limits, threads, link));
    // What ended early has results without meaning, and errors too.
    if link.is_stopping() { Ended::Stopped } else { ended }
}

fn run(mut inputs: Inputs, limits: &Limits, threads: usize, link: &Link) -> Ended {
    let began = link.worked();
    let definition = match inputs.model.parse_definition() {
        Ok(ModelDefinition::Network(definition)) => definition,
        Ok(ModelDefinition::Classical(model)) => return classical::train(inputs, &model, limits, threads, link),
        Err(errors) => return Ended::Failed(invalid_job(&errors)),
    };
    let Some(training) = inputs.job.training.network().cloned() else {
        return Ended::Failed(invalid_job(&["expected the settings of a network"]));
    };
    let tasks = inputs.job.task.clone();
    let baselines = inputs.baselines.take().map(|baselines| (inputs.job.clone(), baselines));
    let stored = inputs.model.definition.clone();
    let checkpoints = inputs.checkpoints.clone();
    let Prepared { mut network, recipe, training: rows, validation, test, warnings } =
        match prepare(inputs, &definition, &training, limits, link) {
            Ok(prepared) => prepared,
            Err(PrepareError::Stopped) => return Ended::Stopped,
            Err(PrepareError::Failed(error)) => return Ended::Failed(error),
        };
    let mut plan = training.plan(&tasks, rows.rows(), threads);
    plan.outputs.iter_mut().zip(recipe.rescales()).for_each(|(output, rescale)| output.rescale = rescale);
    let validation_samples = validation.as_ref().map(|tensors| tensors.samples());
    let mut state = checkpoints.open(&|| link.must_stop());
    let after = checkpoints.after.filter(|_| state.is_some()).unwrap_or_default();
    let mut sink = link.sink(began, rows.rows()).keeping(Keeper::new(checkpoints.clone(), after));
    let state = state.as_mut().map(|state| -> &mut dyn Read { state });
    let result = resume(&mut network, &plan, rows.samples(), validation_samples, &mut sink, state);
    let duration = link.trained().unwrap_or_default();
    let mut fitted = match result {
        Ok(fitted) => fitted,
        Err(FitError::Stopped) => return Ended::Stopped,
        Err(FitError::State(error)) => {
            tracing::warn!(error, "no use of the checkpoint of epoch {after}");
            checkpoints.remove();
            link.set_continued(0);
            return Ended::Again;
        }
        Err(error) => {
            let is_nan = matches!(error, FitError::Diverged { loss, .. } if loss.is_nan());
            let masked = is_nan.then(|| network.first_fully_masked_row(rows.samples().x)).flatten();
            return Ended::Failed(failure(&error, masked));
        }
    };
    if let Some(test) = &test {
        let logs = evaluate(&mut network, &plan, test.samples());
        fitted.logs.extend(logs.into_iter().map(|(name, value)| (format!("test_{name}"), value)));
    }
    let (counted, samples) = match &validation {
        Some(tensors) => (CountedRows::Validation, tensors.samples()),
        None => (CountedRows::Training, rows.samples()),
    };
    let importances = importances::of_network(&mut network, &plan, &recipe, (counted, samples), link);
    let team = Team::new(threads);
    let rows_at_once = usize::try_from(COUNTED_WORK / network.architecture().cost().max(1)).unwrap_or(1);
    let rows_at_once = rows_at_once.clamp(1, MAX_COUNTED_ROWS);
    let confusion_matrix = recipe.confusion_matrix(counted, samples.y, rows_at_once, |rows| {
        (!link.must_stop()).then(|| network.predict_on(&team, samples.x.slice(s![rows, ..])))
    });
    let compared = baselines.is_some().then_some(test.as_ref().or(validation.as_ref())).flatten().and_then(|rows| {
        let began = Instant::now();
        let points =
            points(&recipe, rows, rows_at_once, |x| (!link.must_stop()).then(|| network.predict_on(&team, x)))?;
        Some((points, recipe.labels().to_vec(), began.elapsed()))
    });
    drop(team);
    if link.must_stop() {
        return Ended::Stopped;
    }
    let summary = network.architecture().summary();
    let constant_features = recipe.constant_features();
    let signature = recipe.signature();
    let input_shapes = network.architecture().input_shapes().to_vec();
    let bundle = Bundle {
        description: Description { definition: stored, input_shapes, recipe, signature, fitted: None, importances },
        weights: Weights::Network(network.tensors()),
    };
    drop((network, rows, validation, test));
    match bundle.to_bytes_unless(&|| link.must_stop()) {
        Ok(None) => Ended::Stopped,
        Ok(Some(file)) => {
            let description = bundle.description;
            let leaderboard = baselines.zip(compared).and_then(|((job, files), (points, labels, predict))| {
                let bytes = file.len() as u64;
                let own = OwnModel { model: None, points, labels, fit: duration, predict, bytes };
                leaderboard(&job, files, own, limits, threads, link)
            });
            Ended::Trained(Box::new(Trained {
                fitted: Fit::Network(fitted),
                duration,
                summary: Some(summary),
                confusion_matrix,
                leaderboard,
                constant_features,
                warnings,
                description,
                file,
            }))
        }
        Err(error) => {
            tracing::error!(%error, "trained weights cannot be packed");
            Ended::Failed(fault())
        }
    }
}

/// What the network says of each of `rows`.
fn points(
    recipe: &Recipe,
    rows: &Tensors,
    rows_at_once: usize,
    mut predict: impl FnMut(ArrayView2<'_, f32>) -> Option<Array2<f32>>,
) -> Option<Vec<f64>> {
    let mut points = Vec::with_capacity(rows.rows());
    for part in rows.samples().x.axis_chunks_iter(Axis(0), rows_at_once) {
        points.extend(recipe.points(predict(part)?.view())?);
    }
    Some(points)
}

/// A job that does not fit its model.
fn invalid_job(errors: &[impl ToString]) -> JobError {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    JobError { code: "invalid_job".to_owned(), detail: texts.join("; ") }
}

/// `masked` is the first training row whose steps are all masked.
fn failure(error: &FitError, masked: Option<usize>) -> JobError {
    if let (FitError::Diverged { epoch, .. }, Some(row)) = (error, masked) {
        let detail = format!(
            "the loss became NaN in epoch {epoch}; the likely cause is a row of padding only, whose masked average is NaN: \
             all steps of training row {row} (from 0, after the split) equal the mask value; remove such rows"
        );
        return JobError { code: "diverged".to_owned(), detail };
    }
    let code = match error {
        FitError::Diverged { .. } => "diverged",
        _ => "invalid_job",
    };
    JobError { code: code.to_owned(), detail: error.to_string() }
}
