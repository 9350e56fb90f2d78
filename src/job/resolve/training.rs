//! The training settings of a job: defaults filled in, checked against the rows and the outputs.

use super::{resolved_output::ResolvedOutput, table_view::TableView};
use crate::{
    data::{named::PerOutput, recipe::Task, split::training_rows},
    engine::{
        field::{FieldError, did_you_mean_quoted},
        fit::{FitError, Logged, Mode, OutputPlan, find_monitor, logged},
        loss::{ReducedLoss, TargetKind},
        metric::{BinaryAccuracy, Measure, Metric},
        schedule::LearningRate,
    },
    job::training::{BatchSize, OutputSetting, Training},
};

/// Which rows validate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validated {
    /// Those of another dataset.
    pub by_dataset: bool,
    /// A part of the rows.
    pub by_split: bool,
    /// Whether the request has a `split`.
    pub is_given: bool,
}

impl Training {
    /// These settings with the defaults that follow from the outputs; `None` where the outputs are not known.
    pub(super) fn resolve(
        self,
        outputs: Option<&[ResolvedOutput<'_>]>,
        tasks: Option<&PerOutput<Task>>,
        dataset: TableView<'_>,
        validated: &Validated,
        errors: &mut Vec<FieldError>,
    ) -> Option<Self> {
        let mut wrong = Vec::new();
        // A split of the request is checked as a whole.
        let share = if validated.is_given { 0.0 } else { self.validation_split };
        let rows = match check_split(share, dataset.rows, validated.by_dataset) {
            Ok(rows) => rows,
            Err(detail) => {
                wrong.push(FieldError::new("/validation_split", detail));
                dataset.rows
            }
        };
        if self.batch_size == BatchSize::Rows(0) {
            wrong.push(FieldError::new("/batch_size", format!("expected 1 to {rows}, received 0")));
        }
        let stopping = self.early_stopping.as_ref();
        let plateau = self.reduce_lr_on_plateau.as_ref();
        wrong.extend(stopping.and_then(|it| it.check().err()).map(|error| error.under("/early_stopping")));
        wrong.extend(plateau.and_then(|it| it.check().err()).map(|error| error.under("/reduce_lr_on_plateau")));
        wrong.extend(self.optimizer.check().err().map(|error| error.under("/optimizer")));
        if let (Some(_), LearningRate::Schedule(schedule)) = (plateau, self.optimizer.learning_rate()) {
            let detail =
                format!("expected a number as the optimizer's learning_rate beside it, received {}", schedule.kind());
            wrong.push(FieldError::new("/reduce_lr_on_plateau", detail));
        }
        errors.extend(wrong.into_iter().map(|error| error.under("/training")));
        let (outputs, tasks) = outputs.zip(tasks)?;
        let training = self.with_outputs(outputs)?;
        if validated.by_dataset && validated.by_split && validated.is_given {
            let detail = "expected no validation rows in `split` beside a validation_dataset";
            errors.push(FieldError::new("/split/validation", detail));
        }
        let validated = validated.by_dataset || validated.by_split;
        if training.oversampling {
            errors.extend(check_oversampling(outputs, training.class_weight.is_some()));
        }
        errors.extend(outputs.iter().flat_map(|output| training.check_output(output)));
        errors.extend(training.check_monitors(&training.outputs(tasks), validated));
        Some(training)
    }

    /// The settings of each output, by output where there are several.
    fn with_outputs(self, outputs: &[ResolvedOutput<'_>]) -> Option<Self> {
        let names: Vec<&str> = outputs.iter().map(|output| output.request.name.as_str()).collect();
        let requests = || outputs.iter().map(|output| output.request);
        let has_weighted_metrics = requests().any(|request| !request.weighted_metrics.is_empty());
        let has_loss_weights = names.len() > 1 || requests().any(|request| request.loss_weight.is_some());
        let weighted_metrics = requests().map(|request| request.weighted_metrics.clone()).collect();
        let loss_weights = requests().map(|request| request.loss_weight.unwrap_or(1.0)).collect();
        Some(Self {
            loss: Some(OutputSetting::collect(&names, outputs.iter().map(loss).collect())?),
            metrics: Some(OutputSetting::collect(&names, outputs.iter().map(metrics).collect())?),
            weighted_metrics: OutputSetting::collect(&names, weighted_metrics).filter(|_| has_weighted_metrics),
            loss_weights: OutputSetting::collect(&names, loss_weights).filter(|_| has_loss_weights),
            ..self
        })
    }

    /// Checks the loss and the metrics of an output, and whether they are consistent.
    fn check_output(&self, output: &ResolvedOutput<'_>) -> Vec<FieldError> {
        let request = output.request;
        let loss = output.loss.check().map_err(|error| error.under(&request.pointer("/training/loss")));
        let check = |metrics: &[Metric], pointer: &str| -> Vec<FieldError> {
            let pointer = request.pointer(pointer);
            let check = |(index, metric): (usize, &Metric)| {
                let checked = metric.check().and_then(|()| metric.check_against(&output.loss, output.width));
                checked.err().map(|error| error.under(&format!("{pointer}/{index}")))
            };
            metrics.iter().enumerate().filter_map(check).collect()
        };
        let metrics = check(&metrics(output), "/training/metrics");
        let weighted = check(&request.weighted_metrics, "/training/weighted_metrics");
        loss.err().into_iter().chain(metrics).chain(weighted).collect()
    }

    /// Checks what the callbacks monitor.
    fn check_monitors(&self, outputs: &[OutputPlan], validated: bool) -> Vec<FieldError> {
        let stopping = self.early_stopping.as_ref().map(|it| ("early_stopping", &it.monitor, it.mode));
        let plateau = self.reduce_lr_on_plateau.as_ref().map(|it| ("reduce_lr_on_plateau", &it.monitor, it.mode));
        let logged = logged(outputs, true);
        let check = |(callback, monitor, mode): (&str, &String, Mode)| {
            check_monitor(monitor, mode, &logged, validated)
                .err()
                .map(|error| error.under(&format!("/training/{callback}")))
        };
        stopping.into_iter().chain(plateau).filter_map(check).collect()
    }
}

/// Why training rows cannot be repeated by class.
fn check_oversampling(outputs: &[ResolvedOutput<'_>], has_class_weight: bool) -> Option<FieldError> {
    let detail = match outputs {
        [output] if output.task.has_one_label() && !has_class_weight => return None,
        [output] if output.task.has_one_label() => "expected `oversampling` or `class_weight`, received both",
        _ => "expected no oversampling: it needs one target column of classes",
    };
    Some(FieldError::new("/training/oversampling", detail))
}

/// The loss of an output that is trained.
fn loss(output: &ResolvedOutput<'_>) -> Option<ReducedLoss> {
    let reduction = output.request.loss.map(|loss| loss.reduction).unwrap_or_default();
    (!output.request.is_untrained).then_some(ReducedLoss { loss: output.loss, reduction })
}

/// The metrics of an output; one by default.
fn metrics(output: &ResolvedOutput<'_>) -> Vec<Metric> {
    match &output.request.metrics {
        _ if output.task == Task::Raw => Vec::new(),
        Some(metrics) => metrics.clone(),
        None if !output.request.weighted_metrics.is_empty() => Vec::new(),
        None => vec![default_metric(output)],
    }
}

fn default_metric(output: &ResolvedOutput<'_>) -> Metric {
    let measure = match (output.task, output.loss.target_kind()) {
        // The sign of a score or a logit decides, where Keras's accuracy compares with one half.
        (Task::Margin, _) => Measure::BinaryAccuracy(BinaryAccuracy { threshold: 0.0 }),
        (Task::Binary, _) if output.is_logits => Measure::BinaryAccuracy(BinaryAccuracy { threshold: 0.0 }),
        (task, learns) if task.learns_numbers() && learns != TargetKind::Binary => Measure::MeanAbsoluteError,
        _ => Measure::Accuracy,
    };
    measure.into()
}

/// The number of training rows. Both parts of a split must have one.
pub(super) fn check_split(validation_split: f64, rows: u64, has_validation_dataset: bool) -> Result<u64, String> {
    if has_validation_dataset && validation_split > 0.0 {
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

/// Whether `monitor` is among `logged`, which includes validation, and its direction is known; the pointer is below the callback.
fn check_monitor(monitor: &str, mode: Mode, logged: &[Logged], validated: bool) -> Result<(), FieldError> {
    let of_training = logged.len() / 2;
    let detail = match find_monitor(monitor, mode, logged) {
        Ok((place, _)) if validated || place < of_training => return Ok(()),
        Ok(_) => format!("expected a validation_split or a validation_dataset, which {monitor:?} is measured on"),
        Err(error @ FitError::UndirectedMonitor { .. }) => return Err(FieldError::new("/mode", error.to_string())),
        Err(_) => {
            let known = logged.iter().take(if validated { logged.len() } else { of_training });
            let known: Vec<&str> = known.map(|log| log.name.as_str()).collect();
            let hint = did_you_mean_quoted(monitor, known.iter().copied());
            format!("expected one of {}, received {monitor:?}{hint}", known.join(", "))
        }
    };
    Err(FieldError::new("/monitor", detail))
}
