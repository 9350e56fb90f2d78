//! What a request says about each output of the model.

use super::{columns, table_view::TableView};
use crate::{
    data::{
        named::{Named, PerOutput},
        recipe::Scale,
        schema::Column,
    },
    engine::{
        field::{FieldError, escape},
        loss::ReducedLoss,
        metric::Metric,
        spec::Definition,
    },
    job::{
        columns::Columns,
        task_request::TaskRequest,
        training::{OutputSetting, Training},
    },
};

/// Pointers of the settings of an only output.
pub(super) const TARGET: &str = "/target";
pub(super) const LOSS: &str = "/training/loss";
pub(super) const TASK: &str = "/task";

/// What a request says about one output.
#[derive(Debug)]
pub(super) struct OutputRequest<'a> {
    /// The output's name; empty for an only output.
    pub name: String,
    /// The target; an output that is not trained may have none.
    pub target: Option<&'a Columns>,
    /// The target columns.
    pub columns: Vec<&'a Column>,
    pub task: Option<TaskRequest>,
    /// Whether tasks are given by output.
    has_task_by_name: bool,
    pub loss: Option<ReducedLoss>,
    /// Whether its loss is null.
    pub is_untrained: bool,
    /// Whether the model is an imported one of Keras.
    pub is_of_keras: bool,
    /// The scale of the target that the job asks for.
    pub scale: Option<&'a Scale>,
    pub metrics: Option<Vec<Metric>>,
    pub weighted_metrics: Vec<Metric>,
    pub loss_weight: Option<f64>,
}

impl OutputRequest<'_> {
    /// The pointer of this output's setting; `pointer` is that of an only output.
    pub fn pointer(&self, pointer: &str) -> String {
        if self.name.is_empty() { pointer.to_owned() } else { format!("{pointer}/{}", escape(&self.name)) }
    }

    /// An error of an only output as one of this output.
    pub fn locate(&self, error: FieldError) -> FieldError {
        if self.name.is_empty() || (error.pointer == TASK && !self.has_task_by_name) {
            return error;
        }
        for base in [TARGET, LOSS, TASK] {
            if let Some(below) = error.pointer.strip_prefix(base) {
                return FieldError::new(format!("{}{below}", self.pointer(base)), error.detail);
            }
        }
        FieldError::new(error.pointer, format!("output `{}`: {}", self.name, error.detail))
    }
}

/// The request for each output, in the model's order; `None` where one of them is wrong.
pub(super) fn output_requests<'a>(
    target: &'a PerOutput<Columns>,
    task: Option<&PerOutput<TaskRequest>>,
    training: &Training,
    definition: &Definition,
    (is_of_keras, scale): (bool, Option<&'a Scale>),
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<OutputRequest<'a>>> {
    let names = definition.output_names();
    let before = errors.len();
    let several = names.len() > 1;
    let Training { loss: losses, metrics, weighted_metrics, loss_weights, .. } = training;
    let is_untrained =
        |index: usize, name: &str| matches!(losses.as_ref().and_then(|it| it.get(name, index)), Some(None));
    let in_order = || names.iter().copied().enumerate();
    let trained: Vec<&str> = in_order().filter(|(index, name)| !is_untrained(*index, name)).map(|it| it.1).collect();
    match target {
        PerOutput::One(_) if several && trained.len() != 1 => {
            let detail =
                format!("expected the target of each output of the model ({}), received one", names.join(", "));
            errors.push(FieldError::new(TARGET, detail));
        }
        PerOutput::Each(targets) => {
            let unknown = targets.check(&names, "output", TARGET).into_iter();
            let missing = targets.check(&trained, "output", TARGET).into_iter();
            errors.extend(unknown.filter(|error| error.pointer != TARGET));
            errors.extend(missing.filter(|error| error.pointer == TARGET).map(|error| {
                let hint = "; an output whose `training.loss` is null needs none";
                FieldError { detail: error.detail + if several { hint } else { "" }, ..error }
            }));
        }
        PerOutput::One(_) => {}
    }
    if let Some(PerOutput::Each(tasks)) = task {
        errors.extend(tasks.check(&names, "output", TASK).into_iter().filter(|error| error.pointer != TASK));
    }
    if trained.is_empty() {
        let detail = "expected a loss for at least one output of the model, received null for each";
        errors.push(FieldError::new(LOSS, detail));
    }
    errors.extend(losses.iter().flat_map(|it| it.check(&names, LOSS)));
    errors.extend(metrics.iter().flat_map(|it| it.check(&names, "/training/metrics")));
    errors.extend(weighted_metrics.iter().flat_map(|it| it.check(&names, "/training/weighted_metrics")));
    errors.extend(loss_weights.iter().flat_map(|it| it.check(&names, "/training/loss_weights")));
    if errors.len() > before {
        return None;
    }
    let mut requests = Vec::with_capacity(names.len());
    for (index, name) in in_order() {
        let is_untrained = is_untrained(index, name);
        let target = match target {
            PerOutput::One(_) if is_untrained => None,
            target => target.get(name),
        };
        let request = OutputRequest {
            name: if several { name.to_owned() } else { String::new() },
            target,
            columns: Vec::new(),
            task: task.and_then(|task| task.get(name)).copied(),
            has_task_by_name: task.is_some_and(|task| task.one().is_none()),
            loss: losses.as_ref().and_then(|losses| losses.get(name, index)).copied().flatten(),
            is_untrained,
            is_of_keras,
            scale,
            metrics: metrics.as_ref().and_then(|metrics| metrics.get(name, index)).cloned(),
            weighted_metrics: weighted_metrics
                .as_ref()
                .filter(|_| target.is_some())
                .and_then(|metrics| metrics.get(name, index))
                .cloned()
                .unwrap_or_default(),
            loss_weight: loss_weights.as_ref().and_then(|weights| weights.get(name, index)).copied(),
        };
        let is_for_all = matches!(metrics, Some(OutputSetting::All(_)));
        if target.is_none() && !is_for_all && request.metrics.as_ref().is_some_and(|metrics| !metrics.is_empty()) {
            let detail = "expected a target of this output to measure it on, received none";
            errors.push(FieldError::new(request.pointer("/training/metrics"), detail));
        }
        if target.is_none() && request.has_task_by_name && request.task.is_some() {
            errors.push(FieldError::new(request.pointer(TASK), "expected no task: the output has no target"));
        }
        let columns = target.and_then(|it| columns::targets(it, &request.pointer(TARGET), dataset, errors));
        requests.push(OutputRequest { columns: columns.unwrap_or_default(), ..request });
    }
    (errors.len() == before).then_some(requests)
}

/// `target` with its outputs in the model's order.
pub(super) fn target_in_order(target: &PerOutput<Columns>, requests: &[OutputRequest<'_>]) -> PerOutput<Columns> {
    if requests.len() == 1 {
        return target.clone();
    }
    let targets = requests.iter().filter_map(|request| Some((request.name.clone(), request.target?.clone())));
    PerOutput::Each(Named(targets.collect()))
}

/// The target columns of all outputs, each once.
pub(super) fn target_columns<'a>(requests: &[OutputRequest<'a>]) -> Vec<&'a Column> {
    let mut columns: Vec<&Column> = Vec::new();
    for column in requests.iter().flat_map(|request| &request.columns) {
        if columns.iter().all(|known| known.name != column.name) {
            columns.push(column);
        }
    }
    columns
}
