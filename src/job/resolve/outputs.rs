//! What each output of a model is to learn.

use super::{TableView, columns};
use crate::{
    data::{
        named::{Named, PerOutput},
        schema::Column,
    },
    engine::{
        field::{FieldError, escape},
        loss::ReducedLoss,
        metric::Metric,
        spec::Definition,
    },
    job::{Columns, output_settings::OutputSettings, training::Requested},
};

/// What one output of the model is to learn, as the request has it.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The output's name; empty for an only one.
    pub name: String,
    /// What it is compared with; an output that is not trained may have nothing.
    pub target: Option<&'a Columns>,
    /// Its target columns.
    pub columns: Vec<&'a Column>,
    pub loss: Option<ReducedLoss>,
    /// Whether it has no loss.
    pub untrained: bool,
    pub metrics: Option<Vec<Metric>>,
    pub weighted_metrics: Vec<Metric>,
    pub loss_weight: Option<f64>,
}

impl Wanted<'_> {
    /// Where something of this output stands that would stand at `pointer` for an only one.
    pub fn pointer(&self, pointer: &str) -> String {
        if self.name.is_empty() { pointer.to_owned() } else { format!("{pointer}/{}", escape(&self.name)) }
    }

    /// An error of an only output as one of this output.
    pub fn place(&self, error: FieldError, target: &str, loss: &str) -> FieldError {
        if self.name.is_empty() {
            return error;
        }
        for base in [target, loss] {
            if let Some(below) = error.pointer.strip_prefix(base) {
                return FieldError::new(format!("{}{below}", self.pointer(base)), error.detail);
            }
        }
        FieldError::new(error.pointer, format!("output `{}`: {}", self.name, error.detail))
    }
}

/// What each output is to learn, in the model's order; `None` where a target is wrong.
pub(super) fn wanted<'a>(
    target: &'a PerOutput<Columns>,
    requested: &mut Requested,
    definition: &Definition,
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<Wanted<'a>>> {
    let names = definition.output_names();
    let before = errors.len();
    let several = names.len() > 1;
    let losses = requested.loss.take();
    let untrained = |index: usize, name: &str| matches!(losses.as_ref().and_then(|it| it.of(name, index)), Some(None));
    let in_order = || names.iter().copied().enumerate();
    let trained: Vec<&str> = in_order().filter(|(index, name)| !untrained(*index, name)).map(|it| it.1).collect();
    match target {
        PerOutput::One(_) if several && trained.len() != 1 => {
            let detail =
                format!("expected the target of each output of the model ({}), received one", names.join(", "));
            errors.push(FieldError::new("/target", detail));
        }
        PerOutput::Each(targets) => {
            let unknown = targets.check(&names, "output", "/target").into_iter();
            let missing = targets.check(&trained, "output", "/target").into_iter();
            errors.extend(unknown.filter(|error| error.pointer != "/target"));
            errors.extend(missing.filter(|error| error.pointer == "/target").map(|error| {
                let hint = "; an output whose `training.loss` is null needs none";
                FieldError { detail: error.detail + if several { hint } else { "" }, ..error }
            }));
        }
        PerOutput::One(_) => {}
    }
    if trained.is_empty() {
        let detail = "expected a loss for at least one output of the model, received null for each";
        errors.push(FieldError::new("/training/loss", detail));
    }
    let metrics = requested.metrics.take();
    let weighted_metrics = requested.weighted_metrics.take();
    let weights = requested.loss_weights.take();
    errors.extend(losses.iter().flat_map(|it| it.check(&names, "/training/loss")));
    errors.extend(metrics.iter().flat_map(|it| it.check(&names, "/training/metrics")));
    errors.extend(weighted_metrics.iter().flat_map(|it| it.check(&names, "/training/weighted_metrics")));
    errors.extend(weights.iter().flat_map(|it| it.check(&names, "/training/loss_weights")));
    if errors.len() > before {
        return None;
    }
    let mut all = Vec::with_capacity(names.len());
    for (index, name) in in_order() {
        let untrained = untrained(index, name);
        let target = match target {
            PerOutput::One(_) if untrained => None,
            target => target.get(name),
        };
        let wanted = Wanted {
            name: if several { name.to_owned() } else { String::new() },
            target,
            columns: Vec::new(),
            loss: losses.as_ref().and_then(|losses| losses.of(name, index)).copied().flatten(),
            untrained,
            metrics: metrics.as_ref().and_then(|metrics| metrics.of(name, index)).cloned(),
            weighted_metrics: weighted_metrics
                .as_ref()
                .filter(|_| target.is_some())
                .and_then(|metrics| metrics.of(name, index))
                .cloned()
                .unwrap_or_default(),
            loss_weight: weights.as_ref().and_then(|weights| weights.of(name, index)).copied(),
        };
        let of_all = matches!(metrics, Some(OutputSettings::All(_)));
        if target.is_none() && !of_all && wanted.metrics.as_ref().is_some_and(|metrics| !metrics.is_empty()) {
            let detail = "expected a target of this output to measure it on, received none";
            errors.push(FieldError::new(wanted.pointer("/training/metrics"), detail));
        }
        let columns = target.and_then(|it| columns::targets(it, &wanted.pointer("/target"), dataset, errors));
        all.push(Wanted { columns: columns.unwrap_or_default(), ..wanted });
    }
    (errors.len() == before).then_some(all)
}

/// `target` with its outputs in the model's order.
pub(super) fn in_order(target: &PerOutput<Columns>, wanted: &[&Wanted<'_>]) -> PerOutput<Columns> {
    if wanted.len() == 1 {
        return target.clone();
    }
    let of_output = |wanted: &&Wanted<'_>| Some((wanted.name.clone(), wanted.target?.clone()));
    PerOutput::Each(Named(wanted.iter().filter_map(of_output).collect()))
}

/// Every target column, each once.
pub(super) fn columns_of<'a>(wanted: &[Wanted<'a>]) -> Vec<&'a Column> {
    let mut all: Vec<&Column> = Vec::new();
    for column in wanted.iter().flat_map(|wanted| &wanted.columns) {
        if all.iter().all(|known| known.name != column.name) {
            all.push(column);
        }
    }
    all
}
