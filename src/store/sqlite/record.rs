//! Conversions between SQL columns and Rust types.

use crate::store::StoreError;
use anyhow::{Context, anyhow};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

/// One row, read by column name.
pub struct Record<'a>(pub &'a SqliteRow);

impl Record<'_> {
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    pub fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    pub fn real(&self, column: &str) -> Result<Option<f64>, StoreError> {
        Ok(self.0.try_get(column)?)
    }

    pub fn count<N: TryFrom<i64>>(&self, column: &str) -> Result<N, StoreError> {
        self.optional_count(column)?.ok_or_else(|| StoreError::Internal(anyhow!("{column} is null")))
    }

    pub fn optional_count<N: TryFrom<i64>>(&self, column: &str) -> Result<Option<N>, StoreError> {
        let value: Option<i64> = self.0.try_get(column)?;
        value
            .map(|value| N::try_from(value).map_err(|_| anyhow!("{column} is out of range: {value}")))
            .transpose()
            .map_err(StoreError::Internal)
    }

    /// A column that is 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.count::<u8>(column)? != 0)
    }

    pub fn id(&self, column: &str) -> Result<Uuid, StoreError> {
        Ok(self.text(column)?.parse::<Uuid>().with_context(|| column.to_owned())?)
    }

    pub fn optional_id(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        let text = self.optional_text(column)?;
        Ok(text.map(|text| text.parse::<Uuid>()).transpose().with_context(|| column.to_owned())?)
    }

    pub fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.optional_time(column)?.ok_or_else(|| StoreError::Internal(anyhow!("{column} is null")))
    }

    pub fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let micros: Option<i64> = self.0.try_get(column)?;
        Ok(micros.map(Timestamp::from_microsecond).transpose().with_context(|| column.to_owned())?)
    }

    /// A JSON column.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        Ok(serde_json::from_str(&self.text(column)?).with_context(|| column.to_owned())?)
    }

    pub fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose().with_context(|| column.to_owned())?)
    }

    /// A column with an enum's name.
    pub fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        Ok(serde_json::from_value(Value::String(self.text(column)?)).with_context(|| column.to_owned())?)
    }
}

/// The text of a JSON column.
pub fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value).context("a record cannot be written as JSON")?)
}

/// The text of a column with an enum's name.
pub fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value).context("a record cannot be written as JSON")? {
        Value::String(name) => Ok(name),
        other => Err(StoreError::Internal(anyhow!("{other} is no name"))),
    }
}

/// An integer column.
pub fn count(value: u64) -> Result<i64, StoreError> {
    Ok(i64::try_from(value).with_context(|| format!("{value} is too large to be stored"))?)
}
