//! Columns of a table: names, types, summaries.

use super::date::DatePattern;
use crate::engine::field::{FieldError, parse};
use jiff::{SignedDuration, civil::DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Value, json};

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
    /// Text, one of a set of levels that have an order.
    Ordinal,
    /// Dates and times.
    Datetime,
    /// Not read.
    Ignored,
}

impl ColumnType {
    /// Whether its values are texts of a set of levels.
    pub fn has_levels(self) -> bool {
        matches!(self, Self::Category | Self::Ordinal)
    }

    /// Its name in JSON and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Category => "category",
            Self::Boolean => "boolean",
            Self::Ordinal => "ordinal",
            Self::Datetime => "datetime",
            Self::Ignored => "ignored",
        }
    }
}

/// The type that a client gives a column: a name, or an object with the order of an ordinal column or the form of dates.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct GivenType {
    /// The type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// The levels of an ordinal column from the least.
    pub order: Vec<String>,
    /// The form of the dates of a datetime column.
    pub format: Option<DatePattern>,
}

impl<'de> Deserialize<'de> for GivenType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Settings {
            #[serde(rename = "type")]
            kind: ColumnType,
            #[serde(default)]
            order: Vec<String>,
            format: Option<DatePattern>,
        }
        let Settings { kind, order, format } = match Value::deserialize(deserializer)? {
            Value::Object(settings) => parse(&Value::Object(settings)).map_err(D::Error::custom)?,
            Value::String(name) => {
                parse(&json!({"type": name})).map_err(|error| D::Error::custom(FieldError::new("", error.detail)))?
            }
            other => {
                let detail =
                    format!("expected a type such as \"category\", or an object with `type`, received {other}");
                return Err(D::Error::custom(FieldError::new("", detail)));
            }
        };
        let wrong = match kind {
            ColumnType::Ordinal if order.is_empty() => {
                Some(("/order", "expected the levels from the least, received none"))
            }
            ColumnType::Ordinal if format.is_none() => None,
            ColumnType::Datetime if order.is_empty() => None,
            _ if !order.is_empty() => Some(("/order", "expected an order for the type ordinal alone")),
            _ if format.is_some() => Some(("/format", "expected a form of dates for the type datetime alone")),
            _ => None,
        };
        match wrong {
            Some((pointer, detail)) => Err(D::Error::custom(FieldError::new(pointer, detail))),
            None => Ok(Self { kind, order, format }),
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
    /// Number of distinct values. A datetime column has as many as it has different times.
    pub distinct: u64,
    /// Whether `distinct` is an estimate, whose standard error is under 2%; absent if it is exact.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub distinct_estimated: bool,
    /// Minimum of a number or datetime column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<NumberOrTime>)]
    pub min: Option<Extreme>,
    /// Maximum of a number or datetime column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<NumberOrTime>)]
    pub max: Option<Extreme>,
    /// Mean of a number column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean: Option<f64>,
    /// Sample standard deviation (n - 1) of a number column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub std: Option<f64>,
    /// The form of the dates of a datetime column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format: Option<DatePattern>,
    /// Whether dates of a datetime column have a time of the day.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub has_time: bool,
    /// Whether the times of a datetime column say their offset from UTC; absent where only some do, and for dates without times.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub has_zone: Option<bool>,
    /// The forms of dates that all texts of a category have, where day and month cannot be told. A job that uses the column
    /// must choose one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub date_formats: Vec<DatePattern>,
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

/// A minimum or maximum as in the documentation.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its documentation is used")]
pub enum NumberOrTime {
    /// Of a number column.
    Number(f64),
    /// Of a datetime column, in UTC.
    #[schema(value_type = String, format = DateTime)]
    Time(DateTime),
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
    /// Of a datetime column, in UTC.
    #[serde(serialize_with = "serialize_utc", deserialize_with = "deserialize_utc")]
    Time(DateTime),
}

fn serialize_utc<S: Serializer>(time: &DateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{time}Z"))
}

fn deserialize_utc<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.strip_suffix('Z').unwrap_or(&text).parse().map_err(D::Error::custom)
}

/// The time 0 of seconds since 1970.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Extreme {
    /// The time that is so many seconds after 1970; `None` outside of the years -9999 to 9999.
    pub fn of_seconds(seconds: f64) -> Option<Self> {
        let since = SignedDuration::from_micros((seconds * 1e6).round() as i64);
        EPOCH.checked_add(since).ok().map(Self::Time)
    }

    /// The nearest `f64`; of a time the seconds since 1970.
    pub fn value(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Number(value) => value,
            Self::Time(time) => time.duration_since(EPOCH).as_secs_f64(),
        }
    }
}

/// The reason for a type that the client gives.
pub const GIVEN: &str = "the option `types`";

impl Column {
    /// Whether the client gives its type.
    pub fn is_given(&self) -> bool {
        self.reason.as_deref() == Some(GIVEN)
    }

    /// A column without a summary.
    pub fn empty(name: String, kind: ColumnType, missing: u64) -> Self {
        Self {
            name,
            kind,
            reason: None,
            missing,
            distinct: 0,
            distinct_estimated: false,
            min: None,
            max: None,
            mean: None,
            std: None,
            format: None,
            has_time: false,
            has_zone: None,
            date_formats: Vec::new(),
            quantiles: None,
            histogram: None,
            sampled: None,
            values: None,
        }
    }

    /// What is to be said of a column of dates that is text, since day and month cannot be told; `None` for other columns.
    pub fn ambiguous_dates(&self) -> Option<String> {
        let forms: Vec<&str> = self.date_formats.iter().map(DatePattern::as_str).collect();
        let is_text = self.kind == ColumnType::Category && !forms.is_empty();
        is_text.then(|| {
            format!(
                "expected the form of the dates in {:?}, of which day and month cannot be told: {}",
                self.name,
                forms.join(" or ")
            )
        })
    }

    /// Whether its cells can be loaded: not where it is ignored or has too many levels to list.
    pub fn is_loadable(&self) -> bool {
        match self.kind {
            ColumnType::Number | ColumnType::Boolean | ColumnType::Datetime => true,
            ColumnType::Category | ColumnType::Ordinal => self.levels().is_some(),
            ColumnType::Ignored => false,
        }
    }

    /// Minimum of a number column.
    pub fn minimum(&self) -> Option<f64> {
        self.min.map(Extreme::value)
    }

    /// Maximum of a number column.
    pub fn maximum(&self) -> Option<f64> {
        self.max.map(Extreme::value)
    }

    /// The levels of a category in label order, those of an ordinal column in their order; `None` if there are too many to list, and for other types.
    pub fn levels(&self) -> Option<Vec<&str>> {
        let values = self.values.as_ref().filter(|_| self.kind.has_levels())?;
        values.iter().map(|level| level.value.as_str()).collect()
    }
}

/// One level of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ValueCount {
    /// The level: text, integer or boolean.
    pub value: Value,
    /// Number of rows with this level.
    pub count: u64,
}
