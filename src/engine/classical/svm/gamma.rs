//! [`Gamma`]: the coefficient of a kernel, by a rule or as a number.

use crate::engine::classical::Features;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// The coefficient `gamma` of the kernels `rbf`, `poly` and `sigmoid`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gamma {
    /// `1 / (columns * variance)`, with the variance of all elements of the features; 1 where that is 0.
    Scale,
    /// `1 / columns`.
    Auto,
    /// A number.
    Number(f64),
}

impl Gamma {
    /// The number that the rule gives for these features.
    pub(super) fn resolve(self, features: &Features<'_>) -> f64 {
        let columns = features.columns().len() as f64;
        match self {
            Self::Number(gamma) => gamma,
            Self::Auto => 1.0 / columns,
            Self::Scale => {
                let count = columns * features.rows() as f64;
                let total = |of: &dyn Fn(f64) -> f64| -> f64 {
                    let of_column =
                        |values: ndarray::ArrayView1<'_, f64>| values.iter().map(|value| of(*value)).sum::<f64>();
                    features.columns().iter().map(|column| of_column(column.values)).sum::<f64>() / count
                };
                let mean = total(&|value| value);
                let variance = total(&|value| (value - mean) * (value - mean));
                if variance == 0.0 { 1.0 } else { 1.0 / (columns * variance) }
            }
        }
    }
}

impl Serialize for Gamma {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scale => serializer.serialize_str("scale"),
            Self::Auto => serializer.serialize_str("auto"),
            Self::Number(gamma) => serializer.serialize_f64(*gamma),
        }
    }
}

impl<'de> Deserialize<'de> for Gamma {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match (value.as_str(), value.as_f64()) {
            (Some("scale"), _) => Ok(Self::Scale),
            (Some("auto"), _) => Ok(Self::Auto),
            (_, Some(gamma)) => Ok(Self::Number(gamma)),
            _ => Err(D::Error::custom(format!("expected `scale`, `auto` or a number, received {value}"))),
        }
    }
}

impl PartialSchema for Gamma {
    fn schema() -> RefOr<Schema> {
        let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["scale", "auto"])).build();
        let number = ObjectBuilder::new().schema_type(Type::Number).build();
        OneOfBuilder::new()
            .item(RefOr::T(Schema::Object(names)))
            .item(RefOr::T(Schema::Object(number)))
            .description(Some("`scale`: 1 / (columns * variance of the features); `auto`: 1 / columns; or a number."))
            .into()
    }
}

impl ToSchema for Gamma {}
