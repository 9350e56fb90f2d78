//! A setting of a model's outputs, as a request has it.

use crate::{
    data::named::Named,
    engine::field::{FieldError, escape},
};
use serde_json::Value;

/// A setting of outputs: of all alike, in the model's order of outputs, or by name.
#[derive(Debug)]
pub(super) enum OutputSettings<T> {
    /// For every output.
    All(T),
    /// In the model's order of outputs.
    InOrder(Vec<T>),
    /// By output; some may be left out.
    ByName(Named<T>),
}

impl<T> OutputSettings<T> {
    /// Reads one value, a list of them in the model's order of outputs, or an object by output, which has no `type`. Errors
    /// of the whole setting point below it, those that `read` adds to `errors` below the request.
    pub fn read(
        value: &Value,
        pointer: &str,
        errors: &mut Vec<FieldError>,
        read: impl Fn(&Value, &str, &mut Vec<FieldError>) -> Result<T, FieldError>,
    ) -> Result<Self, FieldError> {
        let Value::Array(values) = value else { return Self::read_lists(value, pointer, errors, read) };
        let mut in_order = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let below = format!("/{index}");
            in_order.push(read(value, &format!("{pointer}{below}"), errors).map_err(|error| error.under(&below))?);
        }
        Ok(Self::InOrder(in_order))
    }

    /// As [`Self::read`], where a list is one value.
    pub fn read_lists(
        value: &Value,
        pointer: &str,
        errors: &mut Vec<FieldError>,
        read: impl Fn(&Value, &str, &mut Vec<FieldError>) -> Result<T, FieldError>,
    ) -> Result<Self, FieldError> {
        let Some(outputs) = value.as_object().filter(|fields| !fields.contains_key("type")) else {
            return read(value, pointer, errors).map(Self::All);
        };
        let mut named = Vec::with_capacity(outputs.len());
        for (name, value) in outputs {
            let below = format!("/{}", escape(name));
            let read = read(value, &format!("{pointer}{below}"), errors).map_err(|error| error.under(&below))?;
            named.push((name.clone(), read));
        }
        Ok(Self::ByName(Named(named)))
    }

    /// The setting of the output `name`, the model's output number `index`.
    pub fn of(&self, name: &str, index: usize) -> Option<&T> {
        match self {
            Self::All(value) => Some(value),
            Self::InOrder(values) => values.get(index),
            Self::ByName(values) => values.get(name),
        }
    }

    /// Errors where it is not of the outputs `names`, in the model's order.
    pub fn check(&self, names: &[&str], pointer: &str) -> Vec<FieldError> {
        match self {
            Self::All(_) => Vec::new(),
            Self::InOrder(values) if values.len() == names.len() => Vec::new(),
            Self::InOrder(values) => {
                let (expected, received) = (names.len(), values.len());
                let names = names.join(", ");
                let detail = format!(
                    "expected {expected} values, one for each output of the model ({names}), received {received}"
                );
                vec![FieldError::new(pointer, detail)]
            }
            Self::ByName(values) => {
                let mut errors = values.check(names, "output", pointer);
                errors.retain(|error| error.pointer != pointer);
                errors
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<OutputSettings<u64>, FieldError> {
        OutputSettings::read(&value, "/setting", &mut Vec::new(), |value, _, _| {
            value.as_u64().ok_or_else(|| FieldError::new("", format!("expected a count, received {value}")))
        })
    }

    #[test]
    fn values_are_found_by_name_and_by_place() {
        let names = ["a", "b"];
        let forms = [
            (json!(3), [3, 3]),
            (json!([1, 2]), [1, 2]),
            (json!({"a": 1, "b": 2}), [1, 2]),
            (json!({"b": 2, "a": 1}), [1, 2]),
        ];
        for (form, expected) in forms {
            let settings = read(form.clone()).unwrap();
            assert!(settings.check(&names, "/setting").is_empty(), "{form}");
            let found: Vec<u64> = (0..2).map(|index| *settings.of(names[index], index).unwrap()).collect();
            assert_eq!(found, expected, "{form}");
        }
        assert_eq!(read(json!({"b": 2})).unwrap().of("a", 0), None);
    }

    #[test]
    fn wrong_values_names_and_counts_are_told() {
        assert_eq!(read(json!([1, "x"])).unwrap_err().pointer, "/1");
        assert_eq!(read(json!({"a": "x"})).unwrap_err().pointer, "/a");
        let errors = |form| read(form).unwrap().check(&["a", "b"], "/setting");
        assert_eq!(errors(json!({"c": 1}))[0].pointer, "/setting/c");
        assert_eq!(errors(json!([1]))[0].pointer, "/setting");
        assert!(errors(json!({"a": 1})).is_empty());
    }
}
