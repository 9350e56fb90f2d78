//! The settings of the fit, filled in and checked against the rows.

use super::{TableView, learned::Learned};
use crate::{
    data::{recipe::Task, split::training_rows},
    engine::{
        field::{FieldError, nearest, parse},
        loss::Loss,
        metric::Metric,
        schedule::LearningRate,
    },
    job::training::{BatchSize, Requested, Training},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Keras's.
const DEFAULT_BATCH_SIZE: u64 = 32;

/// The training with every default filled in; `None` where task and loss are not known.
pub(super) fn training(
    requested: Requested,
    learned: Option<&Learned>,
    dataset: TableView<'_>,
    validation_dataset: bool,
    output_width: Option<usize>,
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
        (None, rows) => Some(BatchSize::Rows(DEFAULT_BATCH_SIZE.min(rows.unwrap_or(DEFAULT_BATCH_SIZE)))),
        (Some(BatchSize::Rows(size)), Some(rows)) if size == 0 || size > rows => {
            errors.push(FieldError::new("/training/batch_size", format!("expected 1 to {rows}, received {size}")));
            None
        }
        (size, _) => size,
    };
    let learned = learned?;
    let metrics = match requested.metrics {
        Some(metrics) => metrics,
        None => vec![known(default_metric(learned), errors)?],
    };
    let monitors = [
        ("early_stopping", requested.early_stopping.as_ref().map(|stopping| &stopping.monitor)),
        ("reduce_lr_on_plateau", requested.reduce_lr_on_plateau.as_ref().map(|plateau| &plateau.monitor)),
    ];
    if let Some(width) = output_width {
        let validated = validation_dataset || validation_split > 0.0;
        for (callback, monitor) in monitors.into_iter().filter_map(|(callback, monitor)| Some((callback, monitor?))) {
            if let Err(detail) = check_monitor(monitor, &metrics, &learned.loss, width, validated) {
                errors.push(FieldError::new(format!("/training/{callback}/monitor"), detail));
            }
        }
    }
    let optimizer = match requested.optimizer {
        Some(optimizer) => optimizer,
        None => known("adam", errors)?,
    };
    if let (Some(_), LearningRate::Schedule(schedule)) = (&requested.reduce_lr_on_plateau, optimizer.learning_rate()) {
        let detail =
            format!("expected a number as the optimizer's learning_rate beside it, received {}", schedule.kind());
        errors.push(FieldError::new("/training/reduce_lr_on_plateau", detail));
    }
    let settings = [optimizer.check().map_err(|error| error.under("/training/optimizer"))]
        .into_iter()
        .chain([learned.loss.check().map_err(|error| error.under("/training/loss"))])
        .chain(metrics.iter().enumerate().map(|(index, metric)| {
            let against = || output_width.map_or(Ok(()), |width| metric.check_against(&learned.loss, width));
            metric.check().and_then(|()| against()).map_err(|error| error.under(&format!("/training/metrics/{index}")))
        }));
    errors.extend(settings.filter_map(Result::err));
    Some(Training {
        epochs: requested.epochs.unwrap_or(1),
        batch_size: batch_size?,
        optimizer,
        loss: learned.loss,
        metrics,
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

/// One of the engine's own settings by its name.
fn known<T: DeserializeOwned>(name: &str, errors: &mut Vec<FieldError>) -> Option<T> {
    parse(&Value::from(name)).map_err(|error| errors.push(error)).ok()
}

fn default_metric(learned: &Learned) -> &'static str {
    match (learned.task, learned.loss) {
        (Task::Regression, loss) if !matches!(loss, Loss::BinaryCrossentropy(_)) => "mean_absolute_error",
        _ => "accuracy",
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

fn check_monitor(monitor: &str, metrics: &[Metric], loss: &Loss, width: usize, validated: bool) -> Result<(), String> {
    let names: Vec<String> = std::iter::once("loss".to_owned())
        .chain(metrics.iter().map(|metric| metric.resolve(loss, width).name()))
        .collect();
    let validation_names = names.iter().map(|name| format!("val_{name}"));
    let all: Vec<String> = names.iter().cloned().chain(validation_names.filter(|_| validated)).collect();
    if all.iter().any(|known| known == monitor) {
        return Ok(());
    }
    if monitor.strip_prefix("val_").is_some_and(|name| names.iter().any(|known| known == name)) {
        return Err(format!("expected a validation_split or a validation_dataset, which {monitor:?} is measured on"));
    }
    let hint = nearest(monitor, all.iter().map(String::as_str));
    let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    Err(format!("expected one of {}, received {monitor:?}{hint}", all.join(", ")))
}
