//! [`Instances`].

use crate::{
    data::strict::{self, Strict, StrictError},
    engine::field::{self, FieldError, type_of},
};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::{cell::Cell, fmt};

/// Maximum number of instances of a request.
pub const MAX_INSTANCES: usize = 100_000;

/// The instances of a request: its body, and how many it has. They are read one at a time, so that a large request takes the memory of
/// its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Instances {
    body: Bytes,
    count: usize,
}

/// Why a request has no instances.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InstancesError {
    /// It is no JSON, or has too many values.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// It is no object with instances.
    #[error("{} fields are not valid", .0.len())]
    Invalid(Vec<FieldError>),
}

impl Instances {
    /// Reads the body `{"instances": [...]}`.
    pub fn from_body(body: Bytes) -> Result<Self, InstancesError> {
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        // A derived structure would be read from a list, too.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(explain(&body));
        }
        match serde_json::from_slice::<Outline>(text) {
            Ok(Outline { instances: Count(count) }) if (1..=MAX_INSTANCES).contains(&count) => Ok(Self { body, count }),
            Ok(Outline { instances: Count(count) }) => {
                let detail = format!("expected 1 to {MAX_INSTANCES} instances, received {count}");
                Err(InstancesError::Invalid(vec![FieldError::new("/instances", detail)]))
            }
            Err(_) => Err(explain(&body)),
        }
    }

    /// Number of instances, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of the body.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Calls `take` with each record or list, in order.
    pub fn read(&self, mut take: impl FnMut(&Value)) -> Result<(), StrictError> {
        strict::read(&self.body, Each(&mut take))
    }
}

/// The errors of a body that has no [`Outline`].
fn explain(body: &[u8]) -> InstancesError {
    let error = |pointer: &str, detail: String| InstancesError::Invalid(vec![FieldError::new(pointer, detail)]);
    let body = match strict::parse(body) {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    let Value::Object(fields) = body else {
        return error("", format!("expected an object with `instances`, received {}", type_of(&body)));
    };
    let unknown: Vec<FieldError> =
        fields.keys().filter(|name| *name != "instances").map(|name| unknown(name)).collect();
    if !unknown.is_empty() {
        return InstancesError::Invalid(unknown);
    }
    let received = fields.get("instances").map_or("nothing", type_of);
    error("/instances", format!("expected an array of instances, received {received}"))
}

fn unknown(name: &str) -> FieldError {
    let hint = field::did_you_mean(name, ["instances"]);
    FieldError::new(format!("/{}", field::escape(name)), format!("unknown field, expected `instances` alone{hint}"))
}

/// The form of a request, without its values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    instances: Count,
}

/// The number of elements of a list, which are skipped.
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Count;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of instances")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while elements.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// Takes the instances of a body that has an [`Outline`], one after the other.
struct Each<'a>(&'a mut dyn FnMut(&Value));

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `instances`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key::<IgnoredAny>()?.is_some() {
            entries.next_value_seed(Each(&mut *self.0))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let left = Cell::new(strict::MAX_VALUES);
        while let Some(instance) = elements.next_element_seed(Strict(&left))? {
            (self.0)(&instance);
            left.set(strict::MAX_VALUES);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instances_are_counted_and_then_read_one_by_one() {
        let body = json!({"instances": [[1, 2], {"a": 3}]}).to_string();
        let instances = Instances::from_body(body.into()).unwrap();
        assert_eq!(instances.len(), 2);
        let mut read = Vec::new();
        instances.read(|instance| read.push(instance.clone())).unwrap();
        assert_eq!(read, [json!([1, 2]), json!({"a": 3})]);
    }

    #[test]
    fn a_wrong_body_says_what_is_wrong() {
        for (body, word) in [
            ("[1]", "an object with `instances`, received an array"),
            ("{}", "received nothing"),
            (r#"{"instances": null}"#, "received null"),
            (r#"{"instances": []}"#, "received 0"),
            (r#"{"instance": [1]}"#, "did you mean `instances`?"),
            (r#"{"instances": [1], "x": 1}"#, "unknown field"),
            (r#"{"instances": [1], "instances": [2]}"#, "twice"),
            (r#"{"instances": [1"#, "line 1"),
        ] {
            let text = match Instances::from_body(body.into()).unwrap_err() {
                InstancesError::Json(error) => error.to_string(),
                InstancesError::Invalid(errors) => errors[0].to_string(),
            };
            assert!(text.contains(word), "{body}: {text}");
        }
    }

    #[test]
    fn a_name_twice_within_an_instance_is_found_when_it_is_read() {
        let instances = Instances::from_body(r#"{"instances": [{"a": 1, "a": 2}]}"#.into()).unwrap();
        assert!(matches!(instances.read(|_| {}), Err(StrictError::Malformed(text)) if text.contains("twice")));
    }
}
