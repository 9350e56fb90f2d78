//! [`BatchSize`].

use crate::engine::field::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Rows of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum BatchSize {
    /// This many, or all that there are.
    Rows(u64),
    /// All of them: batch gradient descent.
    Full(Full),
}

/// The word `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FullBatch)]
#[serde(rename_all = "snake_case")]
pub enum Full {
    /// All rows.
    Full,
}

impl BatchSize {
    /// Rows of one step where `rows` train; where that is more, a step takes them all.
    pub fn of(self, rows: usize) -> usize {
        match self {
            Self::Rows(size) => usize::try_from(size).unwrap_or(rows),
            Self::Full(Full::Full) => rows,
        }
    }

    /// How many rows train is known to the resolver alone.
    pub(super) fn read(value: &Value) -> Result<Self, FieldError> {
        match value {
            Value::String(word) if word == "full" => Ok(Self::Full(Full::Full)),
            // 0 is refused where the training rows are known, for the text
            Value::Number(number) if number.is_u64() => Ok(Self::Rows(number.as_u64().unwrap_or_default())),
            Value::Number(number) if number.is_i64() => {
                Err(FieldError::new("", format!("expected at least 1 row or \"full\", received {number}")))
            }
            _ => Err(FieldError::new("", format!("expected a whole number of rows or \"full\", received {value}"))),
        }
    }
}
