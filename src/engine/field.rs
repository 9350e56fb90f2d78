//! What is wrong with one field of something that a client wrote, and how JSON becomes checked settings.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// One wrong field: where it stands (RFC 6901 JSON pointer) and what was expected there.
///
/// The text has no full stop and says expected and received: `expected 1 to 150, received 0`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct FieldError {
    /// JSON pointer from the root of the document; empty for the document itself.
    #[schema(example = "/training/batch_size")]
    pub pointer: String,
    /// What was expected and what was received.
    #[schema(example = "expected 1 to 150, received 0")]
    pub detail: String,
}

impl FieldError {
    /// An error at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// The same error seen from a document in which this one stands at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// Reads `T` from `value`; the error points at the field, and an unknown field or variant names the nearest known one.
pub fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer_of(error.path());
        let message = error.into_inner().to_string();
        // A registry's member is read apart and reports a pointer of its own in front of its message.
        match message.split_once(": ") {
            Some((below, detail)) if below.starts_with('/') => FieldError::new(pointer + below, detail),
            Some(("", detail)) => FieldError::new(pointer, detail),
            _ => FieldError::new(pointer, with_nearest(&message)),
        }
    })
}

/// Every number in `value` that is too large for an `f32`: serde would quietly make an infinity of it.
pub fn overflowing_numbers(value: &Value) -> Vec<FieldError> {
    fn walk(value: &Value, pointer: &mut String, errors: &mut Vec<FieldError>) {
        let length = pointer.len();
        match value {
            Value::Number(number) => {
                if !number.as_f64().is_some_and(|number| (number as f32).is_finite()) {
                    let detail = format!("expected a number of at most {:e} in size, received {number}", f32::MAX);
                    errors.push(FieldError::new(pointer.clone(), detail));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    walk(item, pointer, errors);
                    pointer.truncate(length);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    pointer.push('/');
                    pointer.push_str(&escape(name));
                    walk(field, pointer, errors);
                    pointer.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    let mut errors = Vec::new();
    walk(value, &mut String::new(), &mut errors);
    errors
}

/// `settings` as JSON in which an `f32` keeps its shortest decimals: 0.1, where `serde_json::to_value` would give
/// 0.10000000149011612.
pub fn to_value<T: Serialize>(settings: &T) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(settings)?)
}

/// The type of a JSON value, for messages.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A path of serde's as an RFC 6901 pointer.
pub fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&escape(key));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

/// One name as a pointer's token: `~` and `/` escaped.
pub fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The known name nearest to `received`, where one is near enough to have been meant.
pub fn nearest<'a>(received: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(received, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .map(|(_, name)| name)
}

/// serde lists every known name after an unknown one; a reader wants the nearest first.
pub(crate) fn with_nearest(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match names.next() {
        Some(received) if unknown => match nearest(received, names) {
            Some(name) => format!("{message}; did you mean `{name}`?"),
            None => message.to_owned(),
        },
        _ => without_types(message),
    }
}

/// serde ends with the type that it expected; a reader wants words.
fn without_types(message: &str) -> String {
    let Some((received, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let expected = match expected {
        "f32" | "f64" => "a number",
        "i32" | "i64" => "a whole number",
        "u8" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        other => other,
    };
    format!("{received}, expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code, reason = "only its presence matters")]
        units: u32,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code, reason = "only its presence matters")]
        layers: Vec<Inner>,
    }

    #[test]
    fn error_points_at_the_field_and_names_the_nearest() {
        let error = parse::<Outer>(&json!({"layers": [{"units": 1}, {"unit": 2}]})).unwrap_err();
        assert_eq!(error.pointer, "/layers/1/unit");
        assert!(error.detail.contains("did you mean `units`?"), "{error}");
    }

    #[test]
    fn errors_name_no_types_of_the_program() {
        let detail = |units: Value| parse::<Inner>(&json!({"units": units})).unwrap_err().detail;
        assert_eq!(detail(json!("two")), "invalid type: string \"two\", expected a whole number of at least 0");
        assert_eq!(detail(json!(-1)), "invalid value: integer `-1`, expected a whole number of at least 0");
        assert_eq!(detail(json!(null)), "invalid type: null, expected a whole number of at least 0");
    }

    #[test]
    fn numbers_past_f32_are_found_wherever_they_stand() {
        let errors = overflowing_numbers(&json!({"a/b": [1, {"c": -1e308}], "seed": u64::MAX}));
        assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), ["/a~1b/1/c"]);
        assert!(errors[0].detail.ends_with("received -1e+308"), "{}", errors[0].detail);
    }

    #[test]
    fn floats_keep_their_shortest_decimals() {
        assert_eq!(to_value(&0.1f32).unwrap(), json!(0.1));
    }

    #[test]
    fn pointer_tokens_are_escaped() {
        assert_eq!(escape("a/b~c"), "a~1b~0c");
    }
}
