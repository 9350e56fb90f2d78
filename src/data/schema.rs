//! Columns of a table: names, types, summaries.

use serde::{Deserialize, Serialize};

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Finite numbers.
    Number,
    /// Text, one of a set of levels.
    Category,
    /// true or false.
    Boolean,
}

impl ColumnType {
    /// Its name in JSON and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Category => "category",
            Self::Boolean => "boolean",
        }
    }
}

/// One column and its summary over all rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Column {
    /// From the header.
    pub name: String,
    /// Inferred from every cell.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Why it has this type, if that does not follow from the cells alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Number of missing cells.
    pub missing: u64,
    /// Number of distinct values; estimated (within 2%) if there are more than the service counts exactly.
    pub distinct: u64,
    /// Minimum of a number column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<f64>)]
    pub min: Option<Extreme>,
    /// Maximum of a number column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<f64>)]
    pub max: Option<Extreme>,
    /// Mean of a number column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean: Option<f64>,
    /// Sample standard deviation (n - 1) of a number column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub std: Option<f64>,
    /// Quantiles of a number column, linear between the nearest values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantiles: Option<Quantiles>,
    /// Counts of a number column in bins of equal width.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub histogram: Option<Histogram>,
    /// Number of values, a random sample, that `quantiles` and `histogram` are of; absent if they are of every value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sampled: Option<u64>,
    /// Every level with its count, in label order (numbers by value, text by code point, false before true), if there are
    /// few enough to list: categories, booleans, and number columns whose values are all integers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub values: Option<Vec<ValueCount>>,
}

/// Quantiles by share of the values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the names in JSON say what they are")]
pub struct Quantiles {
    #[serde(rename = "0.05")]
    pub q05: f64,
    #[serde(rename = "0.25")]
    pub q25: f64,
    #[serde(rename = "0.5")]
    pub q50: f64,
    #[serde(rename = "0.75")]
    pub q75: f64,
    #[serde(rename = "0.95")]
    pub q95: f64,
}

/// Counts of values in bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Histogram {
    /// Edges of the bins, one more than bins. A value at an edge is in the bin after it, and the maximum in the last bin.
    pub edges: Vec<f64>,
    /// Number of values in each bin.
    pub counts: Vec<u64>,
}

/// A minimum or maximum. Integers past 2^53 keep their digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extreme {
    /// Past 2^53.
    Integer(i64),
    /// Past the largest `i64`.
    Unsigned(u64),
    /// Any other number.
    Number(f64),
}

impl Extreme {
    /// The nearest `f64`.
    pub fn value(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Number(value) => value,
        }
    }
}

impl Column {
    /// Minimum of a number column.
    pub fn minimum(&self) -> Option<f64> {
        self.min.map(Extreme::value)
    }

    /// Maximum of a number column.
    pub fn maximum(&self) -> Option<f64> {
        self.max.map(Extreme::value)
    }

    /// The levels of a category in label order; `None` if there are too many to list, and for other types.
    pub fn levels(&self) -> Option<Vec<&str>> {
        let values = self.values.as_ref().filter(|_| self.kind == ColumnType::Category)?;
        values.iter().map(|level| level.value.as_str()).collect()
    }
}

/// One level of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ValueCount {
    /// The level: text, integer or boolean.
    pub value: serde_json::Value,
    /// Number of rows with this level.
    pub count: u64,
}
