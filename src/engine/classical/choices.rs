//! Settings that are a name, a count or a fraction: [`MaxFeatures`], [`Share`], [`ClassWeight`].

use super::{Target, Task};
use crate::engine::field::FieldError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// A count (an integer) or a fraction of the whole (a number with a point: `1.0` is all, `1` is one).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// A count.
    Count(usize),
    /// A fraction of the whole.
    Fraction(f64),
}

impl Share {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) if number.is_f64() => number.as_f64().map(Self::Fraction),
            Value::Number(number) => number.as_u64().map(|count| Self::Count(count as usize)),
            _ => None,
        }
    }

    /// Fails if it is a count below `least`, or a fraction that is not in (0, 1].
    pub(super) fn check(self, pointer: &str, least: usize) -> Result<(), FieldError> {
        let received = match self {
            Self::Count(count) if count >= least => return Ok(()),
            Self::Fraction(fraction) if fraction > 0.0 && fraction <= 1.0 => return Ok(()),
            Self::Count(count) => count.to_string(),
            Self::Fraction(fraction) => format!("{fraction:?}"),
        };
        let detail = format!(
            "expected an integer of at least {least}, or a fraction with a point in (0.0, 1.0], received {received}"
        );
        Err(FieldError::new(pointer, detail))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count as u64),
            Self::Fraction(fraction) => serializer.serialize_f64(*fraction),
        }
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::of(&value).ok_or_else(|| D::Error::custom(format!("expected an integer or a fraction, received {value}")))
    }
}

fn number_schema(kind: Type) -> RefOr<Schema> {
    RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(kind).build()))
}

impl PartialSchema for Share {
    fn schema() -> RefOr<Schema> {
        let description = "A count (an integer), or a fraction of the whole (with a point: `1.0` is all, `1` is one).";
        OneOfBuilder::new()
            .item(number_schema(Type::Integer))
            .item(number_schema(Type::Number))
            .description(Some(description))
            .into()
    }
}

impl ToSchema for Share {}

/// How many features a split looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxFeatures {
    /// The square root of the number of features, rounded down.
    Sqrt,
    /// The logarithm of base 2 of the number of features, rounded down.
    Log2,
    /// A count, or a fraction of the features.
    Share(Share),
}

impl MaxFeatures {
    /// The number of features of `columns`.
    pub(super) fn count(self, columns: usize) -> usize {
        match self {
            Self::Sqrt => (columns as f64).sqrt() as usize,
            Self::Log2 => (columns as f64).log2() as usize,
            Self::Share(Share::Count(count)) => count.min(columns),
            Self::Share(Share::Fraction(fraction)) => (fraction * columns as f64) as usize,
        }
        .max(1)
    }

    /// Fails if it is out of range.
    pub(super) fn check(self, pointer: &str) -> Result<(), FieldError> {
        match self {
            Self::Sqrt | Self::Log2 => Ok(()),
            Self::Share(share) => share.check(pointer, 1),
        }
    }
}

impl Serialize for MaxFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sqrt => serializer.serialize_str("sqrt"),
            Self::Log2 => serializer.serialize_str("log2"),
            Self::Share(share) => share.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MaxFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_str() {
            Some("sqrt") => return Ok(Self::Sqrt),
            Some("log2") => return Ok(Self::Log2),
            _ => {}
        }
        let share = Share::of(&value).map(Self::Share);
        let detail = || format!("expected `sqrt`, `log2`, an integer or a fraction, received {value}");
        share.ok_or_else(|| D::Error::custom(detail()))
    }
}

impl PartialSchema for MaxFeatures {
    fn schema() -> RefOr<Schema> {
        let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["sqrt", "log2"])).build();
        OneOfBuilder::new()
            .item(RefOr::T(Schema::Object(names)))
            .item(number_schema(Type::Integer))
            .item(number_schema(Type::Number))
            .description(Some("`sqrt`, `log2`, a count (an integer) or a fraction of the features (with a point)."))
            .into()
    }
}

impl ToSchema for MaxFeatures {}

/// Weights of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BalancedClassWeight)]
pub enum ClassWeight {
    /// `rows / (classes * rows of the class)`: every class weighs the same in total.
    Balanced,
}

impl ClassWeight {
    /// The weight of every class; classes without rows have 0. Counts are weighted where `weights` are given.
    pub(super) fn of_classes(self, codes: &[u32], n_classes: usize, weights: Option<&[f64]>) -> Vec<f64> {
        let mut counts = vec![0.0; n_classes];
        for (row, &code) in codes.iter().enumerate() {
            counts[code as usize] += weights.map_or(1.0, |weights| weights[row]);
        }
        let total: f64 = counts.iter().sum();
        let present = counts.iter().filter(|count| **count > 0.0).count() as f64;
        counts.iter().map(|&count| if count > 0.0 { total / (present * count) } else { 0.0 }).collect()
    }
}

/// The weights of the rows multiplied with those of their classes; `None` where all are equal.
pub(super) fn row_weights(
    class_weight: Option<ClassWeight>,
    target: Target<'_>,
    weights: Option<&[f64]>,
) -> Option<Vec<f64>> {
    match (class_weight, target) {
        (Some(class_weight), Target::Classes { codes, n_classes }) => {
            let by_class = class_weight.of_classes(codes, n_classes, None);
            let of_row = |(row, &code): (usize, &u32)| {
                let weight = by_class[code as usize];
                weights.map_or(weight, |weights| weights[row] * weight)
            };
            Some(codes.iter().enumerate().map(of_row).collect())
        }
        _ => weights.map(<[f64]>::to_vec),
    }
}

/// Fails at `pointer` if the model is a regressor and the setting is for classifiers.
pub(super) fn only_for_classes(pointer: &str, task: Task, given: bool) -> Result<(), FieldError> {
    match task {
        Task::Regression if given => {
            let name = pointer.trim_start_matches('/');
            Err(FieldError::new(pointer, format!("expected no `{name}` for a target of numbers: it is for classes")))
        }
        _ => Ok(()),
    }
}

/// Fails at `pointer` unless `accepted`, which `expected` describes.
pub(super) fn expect(
    pointer: &str,
    accepted: bool,
    expected: &str,
    received: impl std::fmt::Debug,
) -> Result<(), FieldError> {
    if accepted {
        return Ok(());
    }
    let received = format!("{received:?}");
    let received = match received.strip_prefix("Some(").and_then(|received| received.strip_suffix(')')) {
        Some(received) => received,
        None if received == "None" => "null",
        None => &received,
    };
    Err(FieldError::new(pointer, format!("expected {expected}, received {received}")))
}
