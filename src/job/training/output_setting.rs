//! [`OutputSetting`].

use crate::{
    data::named::Named,
    engine::field::{FieldError, escape},
};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A setting of a model's outputs: one for all of them, a list in the model's order, or an object by output.
///
/// A job has it by output, or once for an only output.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputSetting<T> {
    /// For every output.
    All(T),
    /// In the model's order of outputs.
    InOrder(Vec<T>),
    /// By output; some may be left out.
    ByName(Named<T>),
}

impl<T> OutputSetting<T> {
    /// Reads one value, a list of values in the model's order of outputs, or an object by output, which has no `type`.
    pub(super) fn parse(value: &Value, parse: impl Fn(&Value) -> Result<T, FieldError>) -> Result<Self, FieldError> {
        let Value::Array(values) = value else { return Self::parse_lists(value, parse) };
        let values = values.iter().enumerate();
        let values = values.map(|(index, value)| parse(value).map_err(|error| error.under(&format!("/{index}"))));
        values.collect::<Result<_, _>>().map(Self::InOrder)
    }

    /// As [`Self::parse`], where a list is one value.
    pub(super) fn parse_lists(
        value: &Value,
        parse: impl Fn(&Value) -> Result<T, FieldError>,
    ) -> Result<Self, FieldError> {
        let Some(outputs) = value.as_object().filter(|fields| !fields.contains_key("type")) else {
            return parse(value).map(Self::All);
        };
        let outputs = outputs.iter().map(|(name, value)| {
            let value = parse(value).map_err(|error| error.under(&format!("/{}", escape(name))))?;
            Ok((name.clone(), value))
        });
        outputs.collect::<Result<_, _>>().map(|named| Self::ByName(Named(named)))
    }

    /// The values of the outputs `names` in the model's order; an only output has no name.
    pub(crate) fn collect(names: &[&str], values: Vec<T>) -> Option<Self> {
        let mut values = values.into_iter();
        match names {
            [_] => values.next().map(Self::All),
            names => Some(Self::ByName(Named(names.iter().map(|name| (*name).to_owned()).zip(values).collect()))),
        }
    }

    /// The setting of the output `name`, the model's output number `index`.
    pub fn get(&self, name: &str, index: usize) -> Option<&T> {
        match self {
            Self::All(value) => Some(value),
            Self::InOrder(values) => values.get(index),
            Self::ByName(values) => values.get(name),
        }
    }

    /// Every output's value with the output's name, which is empty where it has none.
    pub fn named(&self) -> Vec<(&str, &T)> {
        match self {
            Self::All(value) => vec![("", value)],
            Self::InOrder(values) => values.iter().map(|value| ("", value)).collect(),
            Self::ByName(values) => values.0.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        }
    }

    /// Errors where it is not of the outputs `names`, in the model's order.
    pub(crate) fn check(&self, names: &[&str], pointer: &str) -> Vec<FieldError> {
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

impl<T: Serialize> Serialize for OutputSetting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All(value) => value.serialize(serializer),
            Self::InOrder(values) => values.serialize(serializer),
            Self::ByName(values) => values.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> Result<OutputSetting<u64>, FieldError> {
        OutputSetting::parse(&value, |value| {
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
            let settings = parse(form.clone()).unwrap();
            assert!(settings.check(&names, "/setting").is_empty(), "{form}");
            let found: Vec<u64> = (0..2).map(|index| *settings.get(names[index], index).unwrap()).collect();
            assert_eq!(found, expected, "{form}");
            assert_eq!(serde_json::to_value(&settings).unwrap(), form);
        }
        assert_eq!(parse(json!({"b": 2})).unwrap().get("a", 0), None);
    }

    #[test]
    fn wrong_values_names_and_counts_are_refused() {
        assert_eq!(parse(json!([1, "x"])).unwrap_err().pointer, "/1");
        assert_eq!(parse(json!({"a": "x"})).unwrap_err().pointer, "/a");
        let errors = |form| parse(form).unwrap().check(&["a", "b"], "/setting");
        assert_eq!(errors(json!({"c": 1}))[0].pointer, "/setting/c");
        assert_eq!(errors(json!([1]))[0].pointer, "/setting");
        assert!(errors(json!({"a": 1})).is_empty());
    }
}
