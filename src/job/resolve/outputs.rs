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
    job::{Columns, training::Requested},
};

/// What one output of the model is to learn, as the request has it.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The output's name; empty for an only one.
    pub name: String,
    pub target: &'a Columns,
    /// Its target columns.
    pub columns: Vec<&'a Column>,
    pub loss: Option<ReducedLoss>,
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
    match target {
        PerOutput::One(_) if several => {
            let detail =
                format!("expected the target of each output of the model ({}), received one", names.join(", "));
            errors.push(FieldError::new("/target", detail));
        }
        PerOutput::Each(targets) => errors.extend(targets.check(&names, "output", "/target")),
        PerOutput::One(_) => {}
    }
    let losses = requested.loss.take();
    let metrics = requested.metrics.take();
    let weighted_metrics = requested.weighted_metrics.take();
    // A loss or a list of metrics that is given once holds for every output; an object may leave outputs out.
    errors.extend(losses.as_ref().map(|it| unknown(it, &names, "/training/loss")).unwrap_or_default());
    errors.extend(metrics.as_ref().map(|it| unknown(it, &names, "/training/metrics")).unwrap_or_default());
    errors.extend(
        weighted_metrics.as_ref().map(|it| unknown(it, &names, "/training/weighted_metrics")).unwrap_or_default(),
    );
    if let Some(weights) = &requested.loss_weights {
        errors.extend(only_known(weights, &names, "/training/loss_weights"));
    }
    if errors.len() > before {
        return None;
    }
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let target = match target {
            PerOutput::One(columns) => columns,
            PerOutput::Each(targets) => targets.get(name)?,
        };
        let wanted = Wanted {
            name: if several { name.to_owned() } else { String::new() },
            target,
            columns: Vec::new(),
            loss: losses.as_ref().and_then(|losses| of(losses, name)).copied(),
            weighted_metrics: weighted_metrics.as_ref().and_then(|it| of(it, name)).cloned().unwrap_or_default(),
            metrics: metrics.as_ref().and_then(|metrics| of(metrics, name)).cloned(),
            loss_weight: requested.loss_weights.as_ref().and_then(|weights| weights.get(name)).copied(),
        };
        let columns = columns::targets(target, &wanted.pointer("/target"), dataset, errors);
        all.push(Wanted { columns: columns.unwrap_or_default(), ..wanted });
    }
    (errors.len() == before).then_some(all)
}

fn of<'a, T>(values: &'a PerOutput<T>, name: &str) -> Option<&'a T> {
    match values {
        PerOutput::One(value) => Some(value),
        PerOutput::Each(values) => values.get(name),
    }
}

fn unknown<T>(values: &PerOutput<T>, names: &[&str], pointer: &str) -> Vec<FieldError> {
    match values {
        PerOutput::One(_) => Vec::new(),
        PerOutput::Each(values) => only_known(values, names, pointer),
    }
}

fn only_known<T>(values: &Named<T>, names: &[&str], pointer: &str) -> Vec<FieldError> {
    let mut errors = values.check(names, "output", pointer);
    errors.retain(|error| error.pointer != pointer);
    errors
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
