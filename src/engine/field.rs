//! What is wrong with one field of something that a client wrote, and how JSON becomes checked settings.

use serde::de::DeserializeOwned;
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
        FieldError::new(pointer, with_nearest(&error.into_inner().to_string()))
    })
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
fn with_nearest(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match names.next() {
        Some(received) if unknown => match nearest(received, names) {
            Some(name) => format!("{message}; did you mean `{name}`?"),
            None => message.to_owned(),
        },
        _ => message.to_owned(),
    }
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
    fn pointer_tokens_are_escaped() {
        assert_eq!(escape("a/b~c"), "a~1b~0c");
    }
}
