//! [`Instances`].

use crate::engine::field::{self, FieldError, type_of};
use serde_json::Value;

/// Maximum number of instances of a request.
pub const MAX_INSTANCES: usize = 100_000;

/// The instances of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Instances(Vec<Value>);

impl Instances {
    /// Reads the body `{"instances": [...]}`.
    pub fn from_body(body: Value) -> Result<Self, Vec<FieldError>> {
        let error = |pointer: &str, detail: String| Err(vec![FieldError::new(pointer, detail)]);
        let Value::Object(mut fields) = body else {
            return error("", format!("expected an object with `instances`, received {}", type_of(&body)));
        };
        let instances = fields.shift_remove("instances");
        let unknown: Vec<FieldError> = fields.keys().map(|name| unknown(name)).collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        match instances {
            Some(Value::Array(instances)) if (1..=MAX_INSTANCES).contains(&instances.len()) => Ok(Self(instances)),
            Some(Value::Array(instances)) => {
                error("/instances", format!("expected 1 to {MAX_INSTANCES} instances, received {}", instances.len()))
            }
            Some(other) => error("/instances", format!("expected an array of instances, received {}", type_of(&other))),
            None => error("/instances", "expected an array of instances, received nothing".into()),
        }
    }

    /// Number of instances, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Records or lists, in order.
    pub fn as_slice(&self) -> &[Value] {
        &self.0
    }
}

fn unknown(name: &str) -> FieldError {
    let hint = field::did_you_mean(name, ["instances"]);
    FieldError::new(format!("/{}", field::escape(name)), format!("unknown field, expected `instances` alone{hint}"))
}
