//! [`FieldError`]: an invalid field of a document, with its JSON pointer.

pub use crate::engine::hint::{did_you_mean, did_you_mean_quoted};

use crate::engine::document::Document;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Maximum number of settings of [`parse_settings`]: each wrong one costs a reading of all of them.
const MAX_SETTINGS: usize = 64;

/// Maximum number of errors that an answer lists; more are counted. What follows the last of them needs no hint, whose search takes time.
pub const MAX_LISTED: usize = 20;

/// An invalid field: its JSON pointer (RFC 6901), and what was expected.
///
/// The text names what was expected and received, without a full stop: `expected 1 to 150, received 0`.
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

    /// The same error for a document that has this one at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }

    /// Whether it is about a field that is not known.
    pub(crate) fn is_unknown_field(&self) -> bool {
        self.detail.starts_with("unknown field")
    }
}

/// Errors of a document that may have very many: the first [`MAX_LISTED`], and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors {
    listed: Vec<FieldError>,
    count: usize,
}

impl FieldErrors {
    /// Counts an error, and keeps it if it is one of the first.
    pub fn push(&mut self, error: FieldError) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(error);
        }
        self.count += 1;
    }

    /// The first ones.
    pub fn listed(&self) -> &[FieldError] {
        &self.listed
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl From<Vec<FieldError>> for FieldErrors {
    fn from(mut errors: Vec<FieldError>) -> Self {
        let count = errors.len();
        errors.truncate(MAX_LISTED);
        Self { listed: errors, count }
    }
}

impl From<FieldErrors> for Vec<FieldError> {
    /// The first ones.
    fn from(errors: FieldErrors) -> Self {
        errors.listed
    }
}

/// Parses `T` from `value`; an error points at the field, and suggests the nearest known name for an unknown one.
pub fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, FieldError> {
    parse_document(Document::new(value))
}

/// As [`parse`], from a body or a query.
pub fn parse_document<T: DeserializeOwned>(document: Document<'_>) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(document).map_err(|error| {
        let pointer = pointer_of(error.path());
        let message = error.into_inner().to_string();
        // A member of a registry is parsed separately and has its own pointer before its message.
        match message.split_once(": ") {
            Some((below, detail)) if below.starts_with('/') => FieldError::new(pointer + below, detail),
            Some(("", detail)) => FieldError::new(pointer, detail),
            _ => FieldError::new(pointer, with_nearest(&message)),
        }
    })
}

/// Reads settings of which each has a default: one that is null is left out, and so is a wrong one, after an error. `None` where
/// there are too many settings.
pub fn parse_settings<T: DeserializeOwned>(settings: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<T> {
    if settings.len() > MAX_SETTINGS {
        let detail = format!("expected at most {MAX_SETTINGS} settings, received {}", settings.len());
        errors.push(FieldError::new("", detail));
        return None;
    }
    let (nulls, mut present): (Map<_, _>, Map<_, _>) = settings.clone().into_iter().partition(|(_, it)| it.is_null());
    for (name, null) in nulls {
        let unknown = parse::<T>(&Map::from_iter([(name, null)]).into()).err().filter(|error| error.is_unknown_field());
        errors.extend(unknown);
    }
    for (name, value) in settings {
        let overflowing = overflowing_numbers(value);
        if !overflowing.is_empty() {
            present.shift_remove(name);
            let pointer = format!("/{}", escape(name));
            errors.extend(overflowing.into_iter().map(|error| error.under(&pointer)));
        }
    }
    let mut present = Value::Object(present);
    loop {
        let error = match parse(&present) {
            Ok(settings) => return Some(settings),
            Err(error) => error,
        };
        let name = error.pointer.split('/').nth(1).map(unescape);
        errors.push(error);
        present.as_object_mut()?.shift_remove(&name?)?;
    }
}

/// All numbers in `value` that overflow `f32`, which serde would convert to infinity.
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

/// The depth of objects within each other that `counts`; of any nesting, since it is not recursive.
pub fn depth_of_objects(value: &Value, counts: impl Fn(&Map<String, Value>) -> bool) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth))),
            Value::Object(fields) => {
                let depth = depth + usize::from(counts(fields));
                deepest = deepest.max(depth);
                open.extend(fields.values().map(|field| (field, depth)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    deepest
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

/// A serde path as a JSON pointer (RFC 6901).
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

/// A name as a token of a JSON pointer: `~` and `/` escaped.
pub fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// serde's message in words for users: the nearest of the known names after an unknown one, otherwise expected and received.
pub(crate) fn with_nearest(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let variant = message.strip_prefix("unknown variant ").and_then(|rest| rest.rsplit_once(", expected "));
    match (names.next(), variant) {
        (Some(name), Some((received, expected))) => {
            format!("expected {expected}, received {received}{}", did_you_mean(name, names))
        }
        (Some(received), None) if message.starts_with("unknown field") => {
            match message.strip_suffix(", there are no fields") {
                Some(message) => format!("{message}: expected no settings"),
                None => message.to_owned() + &did_you_mean(received, names),
            }
        }
        (Some(name), None) if message.starts_with("missing field") => {
            format!("expected the field `{name}`, received nothing")
        }
        _ => expected_and_received(message).unwrap_or_else(|| message.to_owned()),
    }
}

/// ``invalid type: string "x", expected f32`` as `expected a number, received "x"`.
fn expected_and_received(message: &str) -> Option<String> {
    if let Some(invalid) = message.strip_prefix("invalid length ") {
        let (received, expected) = invalid.split_once(", expected ")?;
        let expected = ["a tuple of size ", "an array of length "]
            .iter()
            .find_map(|kind| Some(format!("a list of {}", expected.strip_prefix(kind)?)))
            .unwrap_or_else(|| "a list of fewer elements".to_owned());
        return Some(format!("expected {expected}, received {received} elements"));
    }
    let invalid = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (received, expected) = invalid.rsplit_once(", expected ")?;
    let received = match received {
        "map" => "an object",
        "sequence" => "an array",
        other => ["boolean `", "integer `", "floating point `"]
            .iter()
            .find_map(|kind| other.strip_prefix(kind)?.strip_suffix('`'))
            .or_else(|| other.strip_prefix("string "))
            .unwrap_or(other),
    };
    let is_positive = received.parse::<u64>().is_ok();
    let expected = match expected {
        "f32" | "f64" => "a number",
        "i32" | "i64" => "a whole number",
        "u8" if is_positive => "a whole number from 0 to 255",
        "u32" if is_positive => "a whole number from 0 to 4294967295",
        "u8" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        "string or map" | "map with a single key" => "a name",
        "unit" => "null",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    Some(format!("expected {expected}, received {received}"))
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
        assert_eq!(parse::<Inner>(&json!({})).unwrap_err().detail, "expected the field `units`, received nothing");
        let detail = |units: Value| parse::<Inner>(&json!({"units": units})).unwrap_err().detail;
        assert_eq!(detail(json!("two")), "expected a whole number of at least 0, received \"two\"");
        assert_eq!(detail(json!(-1)), "expected a whole number of at least 0, received -1");
        assert_eq!(detail(json!(null)), "expected a whole number of at least 0, received null");
        assert_eq!(detail(json!(1u64 << 32)), "expected a whole number from 0 to 4294967295, received 4294967296");
        assert_eq!(detail(json!([])), "expected a whole number of at least 0, received an array");
        assert_eq!(parse::<Vec<bool>>(&json!([3])).unwrap_err().detail, "expected true or false, received 3");
        assert_eq!(parse::<Inner>(&json!(3)).unwrap_err().detail, "expected an object, received 3");
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Balanced,
    }

    #[test]
    fn a_word_of_another_type_is_no_enum_of_the_program() {
        let detail = |word: Value| parse::<Word>(&word).unwrap_err().detail;
        assert_eq!(parse::<Word>(&json!("balanced")).map(|word| matches!(word, Word::Balanced)), Ok(true));
        assert_eq!(detail(json!("x")), "expected `balanced`, received `x`");
        assert_eq!(detail(json!({"p": 1})), "expected `balanced`, received `p`");
        assert_eq!(detail(json!({"p": 1, "q": 2})), "expected a name, received an object");
        assert_eq!(detail(json!(5)), "expected a name, received 5");
        assert_eq!(detail(json!(null)), "expected a name, received null");
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        epochs: u32,
        shuffle: Option<bool>,
        rate: f64,
    }

    #[test]
    fn every_wrong_setting_is_an_error_and_the_others_are_read() {
        let mut errors = Vec::new();
        let settings = json!({
            "epoch": 1, "epochs": null, "a/b~c": null, "shuffle": 1, "rate": 0.5, "~1": 2, "epochss": null, "shuffl": {"x": 1e308},
        });
        let settings = parse_settings::<Settings>(settings.as_object().unwrap(), &mut errors).unwrap();
        assert_eq!(settings, Settings { rate: 0.5, ..Settings::default() });
        let mut pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/a~1b~0c", "/epoch", "/epochss", "/shuffl/x", "/shuffle", "/~01"]);
        assert!(errors.iter().any(|error| error.detail.contains("did you mean `epochs`?")), "{errors:?}");
    }

    #[test]
    fn too_many_settings_are_not_read() {
        let wrong = |count: usize| {
            let settings = (0..count).map(|index| (format!("x{index}"), json!(index))).collect();
            let mut errors = Vec::new();
            let settings = parse_settings::<Settings>(&settings, &mut errors);
            (settings, errors)
        };
        let (settings, errors) = wrong(MAX_SETTINGS);
        assert_eq!((settings, errors.len()), (Some(Settings::default()), MAX_SETTINGS));
        let (settings, errors) = wrong(100_000);
        assert_eq!((settings, errors.len()), (None, 1));
        assert_eq!(errors[0].to_string(), ": expected at most 64 settings, received 100000");
    }

    #[test]
    fn numbers_that_overflow_f32_are_found_at_any_depth() {
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
