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

/// Errors that say the same of several layers of a class as one.
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
    groups.into_iter().map(|(error, count)| with_count(error, count)).collect()
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
}
