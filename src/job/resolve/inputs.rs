//! The columns of each input of a model.

use super::request::JobRequest;
use crate::{
    data::{named::Named, recipe::Preparation, schema::Column},
    engine::{
        field::{FieldError, escape},
        spec::Definition,
    },
    job::preprocessing::Prepared,
};
use std::collections::HashMap;

/// The columns of each input in the model's order, where the request names them.
pub(super) fn named_inputs(
    request: &JobRequest,
    definition: &Definition,
    errors: &mut Vec<FieldError>,
) -> Option<Named<Vec<String>>> {
    let names: Vec<&str> = definition.inputs.iter().map(|input| input.name.as_str()).collect();
    let Some(inputs) = &request.inputs else {
        if names.len() > 1 {
            let detail =
                format!("expected the columns of each input of the model ({}), received nothing", names.join(", "));
            errors.push(FieldError::new("/inputs", detail));
        }
        return None;
    };
    if request.features.is_some() {
        errors.push(FieldError::new(
            "/features",
            "expected the columns in `inputs` alone, received `features` beside it",
        ));
        return None;
    }
    if names.is_empty() {
        let detail = "expected `features`: the one input of this model has no name, received `inputs`";
        errors.push(FieldError::new("/inputs", detail));
        return None;
    }
    let mut wrong = inputs.check(&names, "input", "/inputs");
    let empty = inputs.0.iter().filter(|(_, columns)| columns.is_empty());
    wrong.extend(empty.map(|(name, _)| {
        FieldError::new(format!("/inputs/{}", escape(name)), "expected at least one column, received none")
    }));
    if !wrong.is_empty() {
        errors.extend(wrong);
        return None;
    }
    let in_order = names.into_iter().filter_map(|name| Some((name.to_owned(), inputs.get(name)?.clone())));
    Some(Named(in_order.collect()))
}

/// Whether it is known which columns are features.
pub(super) fn are_known(request: &JobRequest, definition: &Definition, inputs: &Option<Named<Vec<String>>>) -> bool {
    inputs.is_some() || (request.inputs.is_none() && definition.inputs.len() <= 1)
}

/// Columns that a request names, and their pointer.
pub(super) struct RequestedColumns<'a> {
    pub pointer: String,
    pub columns: &'a [String],
}

/// The features that the request names, for each input in the model's order.
pub(super) fn requested_columns<'a>(
    request: &'a JobRequest,
    inputs: Option<&'a Named<Vec<String>>>,
) -> Option<Vec<RequestedColumns<'a>>> {
    let of_input = |(name, columns): &'a (String, Vec<String>)| RequestedColumns {
        pointer: format!("/inputs/{}", escape(name)),
        columns,
    };
    match inputs {
        Some(inputs) => Some(inputs.0.iter().map(of_input).collect()),
        None => {
            request.features.as_ref().map(|columns| vec![RequestedColumns { pointer: "/features".into(), columns }])
        }
    }
}

/// Errors for features that are learned as classes.
pub(super) fn features_of_classes(requested: &[RequestedColumns<'_>], classes: &[&str]) -> Vec<FieldError> {
    let of_one = |RequestedColumns { pointer, columns }: &RequestedColumns<'_>| {
        let learned = columns.iter().enumerate().filter(|(_, column)| classes.contains(&column.as_str()));
        let errors = learned.map(|(index, column)| {
            let detail = format!("expected a column other than the target {column:?}, which is learned as classes");
            FieldError::new(format!("{pointer}/{index}"), detail)
        });
        errors.collect::<Vec<_>>()
    };
    requested.iter().flat_map(of_one).collect()
}

/// A hint where no features are named and the input has the width of all columns, targets included.
pub(super) fn hint_of_targets(
    request: &JobRequest,
    definition: &Definition,
    width: usize,
    targets: &Option<Vec<&Column>>,
) -> Option<&'static str> {
    let targets = targets.as_deref().unwrap_or_default();
    let numbers = targets.iter().all(|target| !target.kind.has_levels());
    let left_out = request.features.is_none() && request.inputs.is_none() && numbers;
    let fits = |width: usize| definition.input_shapes(&[width]).is_ok();
    (left_out && !fits(width) && fits(width + targets.len()))
        .then_some("; name the `features` to use a target as a feature too")
}

/// `error` with a hint.
pub(super) fn hinted(error: FieldError, hint: Option<&str>) -> FieldError {
    FieldError { detail: format!("{}{}", error.detail, hint.unwrap_or_default()), ..error }
}

/// Columns of the network's x: the features of every input, of which a one-hot one is a column of codes.
pub(super) fn x_columns(
    inputs: Option<&Named<Vec<String>>>,
    features: &[&Column],
    prepared: Option<&[Prepared]>,
) -> u64 {
    prepared_columns(inputs, features, prepared).iter().map(|(column, it)| it.columns(column) as u64).sum()
}

/// The features of every input with their preparations, those of several inputs once for each.
pub(super) fn prepared_columns<'a>(
    inputs: Option<&Named<Vec<String>>>,
    features: &[&'a Column],
    prepared: Option<&'a [Prepared]>,
) -> Vec<(&'a Column, &'a Preparation)> {
    let pairs = || features.iter().copied().zip(prepared.unwrap_or_default().iter().map(|it| &it.preparation));
    match inputs {
        None => pairs().collect(),
        Some(inputs) => {
            let names = inputs.0.iter().flat_map(|(_, names)| names);
            names.filter_map(|name| pairs().find(|(column, _)| column.name == *name)).collect()
        }
    }
}

/// Elements of each input; `prepared` are the preparations of `features`.
pub(super) fn widths(inputs: Option<&Named<Vec<String>>>, features: &[&Column], prepared: &[Prepared]) -> Vec<usize> {
    let by_name: HashMap<&str, usize> = features
        .iter()
        .zip(prepared)
        .map(|(column, prepared)| (column.name.as_str(), prepared.preparation.width(column)))
        .collect();
    let width = |names: &[String]| names.iter().filter_map(|name| by_name.get(name.as_str())).sum();
    match inputs {
        None => vec![by_name.values().sum()],
        Some(inputs) => inputs.0.iter().map(|(_, features)| width(features)).collect(),
    }
}

/// The features as those of the only input, where it has a name.
pub(super) fn only_input(definition: &Definition, features: &[String]) -> Option<Named<Vec<String>>> {
    match definition.inputs.as_slice() {
        [input] => Some(Named(vec![(input.name.clone(), features.to_vec())])),
        _ => None,
    }
}
