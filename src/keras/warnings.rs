//! [`Warning`], and errors in a form that stays readable where there are many.

use crate::engine::field::FieldError;
use std::collections::HashMap;

/// What is read with another meaning than in Keras.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its kind, for programs.
    pub code: &'static str,
    /// JSON pointer into Keras's JSON.
    pub pointer: String,
    /// What is done instead.
    pub detail: String,
}

/// Most errors that an answer has.
const MOST_ERRORS: usize = 20;

/// Errors that say the same of several layers of a class as one, and at most [`MOST_ERRORS`] of them.
pub(super) fn summarized(errors: Vec<FieldError>) -> Vec<FieldError> {
    let mut groups: Vec<(FieldError, usize)> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for error in errors {
        let place = owner_and_rest(&error.detail)
            .map(|(class, rest)| *places.entry((class.to_owned(), rest.to_owned())).or_insert(groups.len()));
        match place.and_then(|place| groups.get_mut(place)) {
            Some((_, count)) => *count += 1,
            None => groups.push((error, 1)),
        }
    }
    let total = groups.len();
    let mut errors: Vec<FieldError> =
        groups.into_iter().take(MOST_ERRORS).map(|(error, count)| with_count(error, count)).collect();
    if total > MOST_ERRORS
        && let Some(last) = errors.last_mut()
    {
        last.detail.push_str(&format!("; {} more errors are not listed", total - MOST_ERRORS));
    }
    errors
}

fn with_count(error: FieldError, count: usize) -> FieldError {
    match owner_and_rest(&error.detail) {
        Some((class, rest)) if count > 1 => {
            let detail = format!("{count} layers of class `{class}`: {rest}");
            FieldError::new(error.pointer, detail)
        }
        _ => error,
    }
}

/// The class and what is said of the layer, of "layer `name` (Class): what is said".
fn owner_and_rest(detail: &str) -> Option<(&str, &str)> {
    let (head, rest) = detail.strip_prefix("layer ")?.split_once("): ")?;
    let (_, class) = head.rsplit_once(" (")?;
    Some((class, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(layer: usize, class: &str, said: &str) -> FieldError {
        FieldError::new(format!("/config/layers/{layer}"), format!("layer `l{layer}` ({class}): {said}"))
    }

    #[test]
    fn equal_errors_of_a_class_are_one() {
        let mut errors: Vec<FieldError> = (0..40).map(|layer| error(layer, "Scale", "is not supported")).collect();
        errors.push(error(40, "Other", "is not supported"));
        let summary = summarized(errors);
        assert_eq!(summary.len(), 2);
        assert_eq!(summary[0], FieldError::new("/config/layers/0", "40 layers of class `Scale`: is not supported"));
        assert_eq!(summary[1], error(40, "Other", "is not supported"));
    }

    #[test]
    fn at_most_twenty_errors_are_listed() {
        let summary = summarized((0..30).map(|layer| error(layer, "Dense", &format!("wrong {layer}"))).collect());
        assert_eq!(summary.len(), MOST_ERRORS);
        assert!(summary[19].detail.ends_with("wrong 19; 10 more errors are not listed"), "{}", summary[19]);
    }
}
