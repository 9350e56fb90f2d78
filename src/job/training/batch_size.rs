//! [`BatchSize`].

use crate::engine::field::FieldError;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

/// Rows per step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum BatchSize {
    /// This number of rows, or all training rows where they are fewer.
    Rows(u64),
    /// All training rows: batch gradient descent.
    Full(Full),
}

/// The word `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FullBatch)]
#[serde(rename_all = "snake_case")]
pub enum Full {
    /// All rows.
    Full,
}

/// Keras's default.
impl Default for BatchSize {
    fn default() -> Self {
        Self::Rows(32)
    }
}

impl BatchSize {
    /// Rows per step for `rows` training rows; a step takes all of them where this is larger.
    pub fn resolve(self, rows: usize) -> usize {
        match self {
            Self::Rows(size) => usize::try_from(size).unwrap_or(rows),
            Self::Full(Full::Full) => rows,
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = match Value::deserialize(deserializer)? {
            Value::String(word) if word == "full" => return Ok(Self::Full(Full::Full)),
            // 0 is refused by the resolver, which knows the maximum.
            Value::Number(number) if number.is_u64() => return Ok(Self::Rows(number.as_u64().unwrap_or_default())),
            Value::Number(number) if number.is_i64() => {
                format!("expected at least 1 row or \"full\", received {number}")
            }
            value => format!("expected a whole number of rows or \"full\", received {value}"),
        };
        Err(D::Error::custom(FieldError::new("", expected)))
    }
}
