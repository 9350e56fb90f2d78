//! [`ForestFeatures`]: the features of a split, with a default that depends on the task.

use crate::engine::classical::{MaxFeatures, Task};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// How many features a split of a forest looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ForestFeatures {
    /// `sqrt` for classes, all for numbers: the defaults of scikit-learn's two classes.
    Auto,
    /// All.
    All,
    /// A part.
    Some(MaxFeatures),
}

impl ForestFeatures {
    /// `None` for all.
    pub(super) fn of(self, task: Task) -> Option<MaxFeatures> {
        match (self, task) {
            (Self::Auto, Task::Classification { .. }) => Some(MaxFeatures::Sqrt),
            (Self::Auto, Task::Regression) | (Self::All, _) => None,
            (Self::Some(features), _) => Some(features),
        }
    }
}

impl Serialize for ForestFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::All => serializer.serialize_none(),
            Self::Some(features) => features.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ForestFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Null => Ok(Self::All),
            serde_json::Value::String(name) if name == "auto" => Ok(Self::Auto),
            value => MaxFeatures::deserialize(value).map(Self::Some).map_err(serde::de::Error::custom),
        }
    }
}

impl PartialSchema for ForestFeatures {
    fn schema() -> RefOr<Schema> {
        let auto = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["auto"])).build();
        let null = ObjectBuilder::new().schema_type(Type::Null).build();
        OneOfBuilder::new()
            .item(RefOr::T(Schema::Object(auto)))
            .item(MaxFeatures::schema())
            .item(RefOr::T(Schema::Object(null)))
            .description(Some(
                "`auto` (`sqrt` for classes, all for numbers), `sqrt`, `log2`, a count (an integer), a fraction of the \
                 features (with a point), or null for all.",
            ))
            .into()
    }
}

impl ToSchema for ForestFeatures {}
