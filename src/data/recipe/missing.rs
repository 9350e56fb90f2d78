//! [`Missing`]: what becomes of cells without a value.

use crate::engine::field::{FieldError, did_you_mean, parse, type_of};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

/// What becomes of cells without a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// What takes their place.
    pub strategy: MissingStrategy,
    /// The value of [`MissingStrategy::Constant`].
    pub value: Option<Value>,
    /// Whether an element says, as 0 or 1, that the cell is missing; only where the column has missing cells.
    pub indicator: bool,
}

/// What takes the place of a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingStrategy {
    /// The median of the training rows.
    Median,
    /// The mean of the training rows.
    Mean,
    /// The most frequent value of the training rows; the first in order of several.
    MostFrequent,
    /// A given value.
    Constant,
    /// For categories: an element of their own.
    Level,
    /// For categories: all elements are 0.
    Zeros,
    /// For models that take missing numbers: NaN.
    Keep,
}

impl MissingStrategy {
    const NAMES: [(&'static str, Self); 7] = [
        ("median", Self::Median),
        ("mean", Self::Mean),
        ("most_frequent", Self::MostFrequent),
        ("constant", Self::Constant),
        ("level", Self::Level),
        ("zeros", Self::Zeros),
        ("keep", Self::Keep),
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// The word for the median with an indicator.
const INDICATOR: &str = "indicator";

impl Missing {
    /// One strategy without options.
    pub const fn of(strategy: MissingStrategy) -> Self {
        Self { strategy, value: None, indicator: false }
    }

    /// The constant as a number.
    pub fn number(&self) -> Option<f64> {
        self.value.as_ref().and_then(Value::as_f64)
    }
}

/// The object form.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MissingSettings)]
struct Settings {
    /// What takes the place of a missing value.
    #[serde(rename = "type")]
    strategy: MissingStrategy,
    /// The value of `constant`.
    #[serde(default)]
    #[schema(schema_with = value_schema)]
    value: Option<Value>,
    /// Whether an element says, as 0 or 1, that the cell is missing.
    #[serde(default)]
    indicator: bool,
}

/// A number, or text for categories.
fn value_schema() -> RefOr<Schema> {
    let one = |kind: Type| ObjectBuilder::new().schema_type(kind);
    OneOfBuilder::new()
        .description(Some("The value of `constant`: a number, or a level of a category."))
        .item(one(Type::Number))
        .item(one(Type::String))
        .item(one(Type::Null))
        .into()
}

fn read(value: &Value) -> Result<Missing, FieldError> {
    let names = || MissingStrategy::NAMES.iter().map(|(name, _)| *name).chain([INDICATOR]);
    let settings: Settings = match value {
        Value::String(word) if word == INDICATOR => {
            return Ok(Missing { strategy: MissingStrategy::Median, value: None, indicator: true });
        }
        Value::String(word) if names().any(|name| name == word) => parse(&json!({"type": word}))?,
        Value::String(word) => {
            let (known, hint) = (names().collect::<Vec<_>>().join(", "), did_you_mean(word, names()));
            return Err(FieldError::new("", format!("expected one of {known}, received `{word}`{hint}")));
        }
        Value::Object(_) => parse(value)?,
        other => {
            let received = type_of(other);
            return Err(FieldError::new("", format!("expected a name or an object, received {received}")));
        }
    };
    let Settings { strategy, value, indicator } = settings;
    match (strategy, &value) {
        (MissingStrategy::Constant, Some(Value::Number(_) | Value::String(_))) => {}
        (MissingStrategy::Constant, _) => {
            return Err(FieldError::new("/value", "expected the number or text that missing values become"));
        }
        (_, Some(_)) => {
            let detail = format!("expected a value with `constant` alone, received one with `{}`", strategy.name());
            return Err(FieldError::new("/value", detail));
        }
        (_, None) => {}
    }
    Ok(Missing { strategy, value, indicator })
}

impl<'de> Deserialize<'de> for Missing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Missing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.strategy, self.indicator, &self.value) {
            (MissingStrategy::Median, true, _) => serializer.serialize_str(INDICATOR),
            (strategy, false, None) => serializer.serialize_str(strategy.name()),
            (strategy, indicator, value) => {
                let mut fields = Map::from_iter([("type".to_owned(), Value::from(strategy.name()))]);
                fields.extend(value.clone().map(|value| ("value".to_owned(), value)));
                fields.extend(indicator.then(|| (INDICATOR.to_owned(), Value::Bool(true))));
                fields.serialize(serializer)
            }
        }
    }
}

impl PartialSchema for Missing {
    fn schema() -> RefOr<Schema> {
        let names = MissingStrategy::NAMES.iter().map(|(name, _)| *name).filter(|name| *name != "constant");
        let words: Vec<_> = names.chain([INDICATOR]).collect();
        OneOfBuilder::new()
            .description(Some(
                "What becomes of missing values. For numbers `median` (the default), `mean`, `most_frequent`, `constant` with a \
                 `value`, or `indicator`: the median, and an element that is 1 where the cell is missing. For categories `level` \
                 (the default: an element of their own), `zeros`, `most_frequent` or `constant`. Models that take missing \
                 numbers have `keep`.",
            ))
            .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)))
            .item(Ref::from_schema_name(<Settings as ToSchema>::name()))
            .into()
    }
}

impl ToSchema for Missing {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((<Settings as ToSchema>::name().into_owned(), Settings::schema()));
        <Settings as ToSchema>::schemas(schemas);
    }
}
