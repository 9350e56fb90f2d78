//! Which columns fill which input of a model.

use super::JobRequest;
use crate::{
    data::{named::Named, recipe::input_width, schema::Column},
    engine::{
        field::{FieldError, escape},
        spec::Definition,
    },
};

/// The columns of each input in the model's order, where the request names them.
pub(super) fn inputs(
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

/// Every input's columns, one input after the other.
pub(super) fn columns(inputs: &Named<Vec<String>>) -> Vec<String> {
    inputs.0.iter().flat_map(|(_, columns)| columns.clone()).collect()
}

/// Cells of each input.
pub(super) fn widths(inputs: Option<&Named<Vec<String>>>, features: &[String], columns: &[Column]) -> Vec<usize> {
    match inputs {
        None => vec![input_width(columns, features)],
        Some(inputs) => inputs.0.iter().map(|(_, features)| input_width(columns, features)).collect(),
    }
}

/// The columns of the one input that has a name.
pub(super) fn of_one(definition: &Definition, features: &[String]) -> Option<Named<Vec<String>>> {
    match definition.inputs.as_slice() {
        [input] => Some(Named(vec![(input.name.clone(), features.to_vec())])),
        _ => None,
    }
}

/// Features are counted through; in the request they may stand in an input.
pub(super) fn where_written(error: FieldError, request: &JobRequest) -> FieldError {
    let Some(inputs) = &request.inputs else { return error };
    let Some(below) = error.pointer.strip_prefix("/features") else { return error };
    let Ok(mut place) = below.trim_start_matches('/').parse::<usize>() else {
        return FieldError { pointer: "/inputs".into(), ..error };
    };
    for (name, columns) in &inputs.0 {
        match place.checked_sub(columns.len()) {
            Some(rest) => place = rest,
            None => return FieldError { pointer: format!("/inputs/{}/{place}", escape(name)), ..error },
        }
    }
    error
}
