//! The settings of the fit, filled in and checked against the rows.

use super::{TableView, learned::Learned};
use crate::{
    data::{named::PerOutput, recipe::Task, split::training_rows},
    engine::{
        field::{FieldError, nearest, parse},
        fit::Mode,
        loss::{Learns, ReducedLoss},
        metric::{Better, Metric},
        schedule::LearningRate,
    },
    job::{
        batch_size::BatchSize,
        training::{Requested, Training, reported},
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Keras's.
const DEFAULT_BATCH_SIZE: BatchSize = BatchSize::Rows(32);

/// The training with every default filled in; `None` where task and loss are not known.
pub(super) fn training(
    requested: Requested,
    learned: Option<&[Learned<'_>]>,
    dataset: TableView<'_>,
    validation_dataset: bool,
    errors: &mut Vec<FieldError>,
) -> Option<Training> {
    let validation_split = requested.validation_split.unwrap_or(0.0);
    let split = check_split(validation_split, dataset.rows, validation_dataset);
    let rows = match split {
        Ok(rows) => Some(rows),
        Err(detail) => {
            errors.push(FieldError::new("/training/validation_split", detail));
            None
        }
    };
    let batch_size = match (requested.batch_size, rows) {
        (Some(BatchSize::Rows(0)), Some(rows)) => {
            errors.push(FieldError::new("/training/batch_size", format!("expected 1 to {rows}, received 0")));
            None
        }
        (size, _) => Some(size.unwrap_or(DEFAULT_BATCH_SIZE)),
    };
    let learned = learned?;
    let mut metrics = Vec::with_capacity(learned.len());
    for learned in learned {
        metrics.push(match &learned.wanted.metrics {
            _ if learned.task == Task::Raw => Vec::new(),
            Some(metrics) => metrics.clone(),
            None if !learned.wanted.weighted_metrics.is_empty() => Vec::new(),
            None => vec![known(&default_metric(learned), errors)?],
        });
    }
    let stopping = requested.early_stopping.as_ref().map(|it| ("early_stopping", &it.monitor, it.mode));
    let plateau = requested.reduce_lr_on_plateau.as_ref().map(|it| ("reduce_lr_on_plateau", &it.monitor, it.mode));
    let weighted: Vec<Vec<Metric>> = learned.iter().map(|learned| learned.wanted.weighted_metrics.clone()).collect();
    let all: Vec<_> = metrics.iter().zip(&weighted).map(|(metrics, weighted)| reported(metrics, weighted)).collect();
    let logged = logged(learned, &all);
    let validated = validation_dataset || validation_split > 0.0;
    for (callback, monitor, mode) in stopping.into_iter().chain(plateau) {
        let checked = check_monitor(monitor, mode, &logged, validated);
        errors.extend(checked.map_err(|error| error.under(&format!("/training/{callback}"))).err());
    }
    let optimizer = match requested.optimizer {
        Some(optimizer) => optimizer,
        None => known(&json!("adam"), errors)?,
    };
    if let (Some(_), LearningRate::Schedule(schedule)) = (&requested.reduce_lr_on_plateau, optimizer.learning_rate()) {
        let detail =
            format!("expected a number as the optimizer's learning_rate beside it, received {}", schedule.kind());
        errors.push(FieldError::new("/training/reduce_lr_on_plateau", detail));
    }
    let of_outputs = learned.iter().zip(metrics.iter().zip(&weighted));
    let of_outputs = of_outputs.flat_map(|(learned, (metrics, weighted))| check_output(learned, metrics, weighted));
    let settings =
        [optimizer.check().map_err(|error| error.under("/training/optimizer"))].into_iter().chain(of_outputs);
    errors.extend(settings.filter_map(Result::err));
    let names: Vec<&str> = learned.iter().map(|learned| learned.wanted.name.as_str()).collect();
    let weights = learned.iter().map(|it| it.wanted.loss_weight.unwrap_or(1.0)).collect();
    let has_weights = names.len() > 1 || learned.iter().any(|it| it.wanted.loss_weight.is_some());
    Some(Training {
        epochs: requested.epochs.unwrap_or(1),
        batch_size: batch_size?,
        optimizer,
        loss: PerOutput::collect(&names, learned.iter().map(reduced).collect())?,
        metrics: PerOutput::collect(&names, metrics)?,
        weighted_metrics: match weighted.iter().all(Vec::is_empty) {
            true => None,
            false => PerOutput::collect(&names, weighted),
        },
        loss_weights: PerOutput::collect(&names, weights).filter(|_| has_weights),
        validation_split,
        split_shuffle: requested.split_shuffle.unwrap_or(true),
        shuffle: requested.shuffle.unwrap_or(true),
        seed: requested.seed.unwrap_or(0),
        preprocessing: requested.preprocessing.unwrap_or_default(),
        early_stopping: requested.early_stopping,
        reduce_lr_on_plateau: requested.reduce_lr_on_plateau,
        terminate_on_nan: requested.terminate_on_nan.unwrap_or(false),
        validation_freq: requested.validation_freq,
        steps_per_epoch: requested.steps_per_epoch,
        class_weight: requested.class_weight,
        sample_weight: requested.sample_weight,
    })
}

/// What an output minimizes, of the rows of a batch as the request says.
fn reduced(learned: &Learned<'_>) -> Option<ReducedLoss> {
    let reduction = learned.wanted.loss.map(|wanted| wanted.reduction).unwrap_or_default();
    (!learned.wanted.untrained).then_some(ReducedLoss { loss: learned.loss, reduction })
}

/// The engine's own settings.
fn known<T: DeserializeOwned>(settings: &Value, errors: &mut Vec<FieldError>) -> Option<T> {
    parse(settings).map_err(|error| errors.push(error)).ok()
}

/// Ranges of an output's loss and metrics, and whether they go together.
fn check_output(learned: &Learned<'_>, metrics: &[Metric], weighted: &[Metric]) -> Vec<Result<(), FieldError>> {
    let loss = learned.loss.check().map_err(|error| error.under(&learned.wanted.pointer("/training/loss")));
    let check = |metrics: &[Metric], pointer: String| -> Vec<Result<(), FieldError>> {
        let check = |(index, metric): (usize, &Metric)| {
            let checked = metric.check().and_then(|()| metric.check_against(&learned.loss, learned.width));
            checked.map_err(|error| error.under(&format!("{pointer}/{index}")))
        };
        metrics.iter().enumerate().map(check).collect()
    };
    let metrics = check(metrics, learned.wanted.pointer("/training/metrics"));
    let weighted = check(weighted, learned.wanted.pointer("/training/weighted_metrics"));
    std::iter::once(loss).chain(metrics).chain(weighted).collect()
}

/// What is reported of the training rows, as the fit names it, and which values of it are better.
fn logged(learned: &[Learned<'_>], metrics: &[Vec<Metric>]) -> Vec<(String, Option<Better>)> {
    let several = learned.len() > 1;
    let loss = |name: String| (name, Some(Better::Less));
    let mut logged = vec![loss("loss".to_owned())];
    let trained = || learned.iter().filter(|learned| !learned.wanted.untrained);
    if trained().count() > 1 {
        logged.extend(trained().map(|learned| loss(format!("{}_loss", learned.wanted.name))));
    }
    for (learned, metrics) in learned.iter().zip(metrics) {
        logged.extend(metrics.iter().map(|metric| {
            let name = metric.resolve(&learned.loss, learned.width).name();
            (if several { format!("{}_{name}", learned.wanted.name) } else { name }, metric.better())
        }));
    }
    logged
}

fn default_metric(learned: &Learned<'_>) -> Value {
    match (learned.task, learned.loss.learns()) {
        // A score and a logit say yes by their side of 0, where Keras's accuracy would ask for one half.
        (Task::Margin, _) => json!({"type": "binary_accuracy", "threshold": 0.0}),
        (Task::Binary, _) if learned.logits => json!({"type": "binary_accuracy", "threshold": 0.0}),
        (task, Learns::Yes) if task.learns_numbers() => json!("accuracy"),
        (task, _) if task.learns_numbers() => json!("mean_absolute_error"),
        _ => json!("accuracy"),
    }
}

/// How many rows train. Both sides of a split must have one.
fn check_split(validation_split: f64, rows: u64, validation_dataset: bool) -> Result<u64, String> {
    if validation_dataset && validation_split > 0.0 {
        return Err(format!("expected 0 beside a validation_dataset, received {validation_split}"));
    }
    if validation_split == 0.0 {
        return Ok(rows);
    }
    let training = training_rows(usize::try_from(rows).unwrap_or(usize::MAX), validation_split) as u64;
    let validating = rows - training.min(rows);
    if training == 0 || validating == 0 {
        return Err(format!(
            "expected at least one row to train on and one to validate on, received {validation_split}, which leaves \
             {training} and {validating} of {rows}"
        ));
    }
    Ok(training)
}

/// Whether `monitor` is measured, and it is known which values of it are better; the pointer is below the callback.
fn check_monitor(
    monitor: &str,
    mode: Mode,
    logged: &[(String, Option<Better>)],
    validated: bool,
) -> Result<(), FieldError> {
    let wrong = |detail: String| Err(FieldError::new("/monitor", detail));
    let of_validation = monitor.strip_prefix("val_");
    let training = logged.iter().find(|(name, _)| name == monitor);
    let found = training.or_else(|| logged.iter().find(|(name, _)| of_validation == Some(name.as_str())));
    let Some((_, better)) = found else {
        let names = logged.iter().map(|(name, _)| name.clone());
        let validation_names = logged.iter().map(|(name, _)| format!("val_{name}"));
        let all: Vec<String> = names.chain(validation_names.filter(|_| validated)).collect();
        let hint = nearest(monitor, all.iter().map(String::as_str));
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        return wrong(format!("expected one of {}, received {monitor:?}{hint}", all.join(", ")));
    };
    if training.is_none() && !validated {
        return wrong(format!("expected a validation_split or a validation_dataset, which {monitor:?} is measured on"));
    }
    if mode.better(*better).is_none() {
        let detail = format!("expected min or max: of {monitor:?} neither less nor more is better by itself");
        return Err(FieldError::new("/mode", detail));
    }
    Ok(())
}
