//! [`Encode`] and [`Unseen`]: how categories become numbers.

use super::scale::beside_type;
use crate::engine::field::{FieldError, did_you_mean, parse, type_of};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

/// How the levels of a category become numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encode(pub EncodeSettings);

/// An encoding of categories with its options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EncodeSettings {
    /// An element for each level, 1 for the level of the row, as scikit-learn's OneHotEncoder.
    OneHot(OneHotSettings),
    /// The place of the level in label order, from 0; -1 for an unseen or missing one, as scikit-learn's OrdinalEncoder.
    Ordinal(OrdinalSettings),
    /// An element chosen by a hash of `column=level`, 1 or -1, as scikit-learn's FeatureHasher.
    Hashing(HashingSettings),
    /// The smoothed mean of the target (standardized where the target is scaled) over the rows with the level, as
    /// scikit-learn's TargetEncoder. Training rows are encoded
    /// by the rows of the other folds, so that no row sees its own target.
    Target(TargetSettings),
    /// The place of the level in label order, from 1; 0 for an unseen or missing one: for an `embedding` layer of the model.
    Embedding(EmbeddingSettings),
}

impl EncodeSettings {
    /// Name and one-line example of every encoding.
    pub const TABLE: &'static [(&'static str, &'static str)] = &[
        ("one_hot", r#""one_hot""#),
        ("ordinal", r#""ordinal""#),
        ("hashing", r#"{"type": "hashing", "n_features": 32}"#),
        ("target", r#"{"type": "target", "smooth": 10}"#),
        ("embedding", r#""embedding""#),
    ];

    /// The name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OneHot(_) => "one_hot",
            Self::Ordinal(_) => "ordinal",
            Self::Hashing(_) => "hashing",
            Self::Target(_) => "target",
            Self::Embedding(_) => "embedding",
        }
    }
}

/// No options.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneHotSettings {}

/// No options.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrdinalSettings {}

/// No options.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSettings {}

/// Options of `hashing`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HashingSettings {
    /// Number of elements.
    #[schema(minimum = 1, maximum = 65536)]
    pub n_features: usize,
    /// Whether half of the levels are -1 rather than 1.
    pub alternate_sign: bool,
}

impl Default for HashingSettings {
    fn default() -> Self {
        Self { n_features: 64, alternate_sign: true }
    }
}

/// Options of `target`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetSettings {
    /// Rows of the overall mean that are mixed with those of a level. Default: from the variances (empirical Bayes).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub smooth: Option<f64>,
    /// Number of folds that the training rows are encoded by.
    #[schema(minimum = 2, maximum = 100)]
    pub cv: usize,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self { smooth: None, cv: 5 }
    }
}

/// What becomes of a level that no training row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// Zeros of `one_hot`, -1 of `ordinal`, the mean of `target`, 0 of `embedding`; a prediction warns of it.
    #[default]
    Zeros,
    /// As a missing value; a prediction warns of it.
    Missing,
    /// A prediction with it is a 422.
    Error,
}

impl Encode {
    /// An element for each level.
    pub const ONE_HOT: Self = Self(EncodeSettings::OneHot(OneHotSettings {}));
    /// The place of the level.
    pub const ORDINAL: Self = Self(EncodeSettings::Ordinal(OrdinalSettings {}));

    fn read(value: &Value) -> Result<Self, FieldError> {
        let names = || EncodeSettings::TABLE.iter().map(|(name, _)| *name);
        let settings: EncodeSettings = match value {
            Value::String(word) if names().any(|name| name == word) => parse(&json!({"type": word}))?,
            Value::String(word) => {
                let (known, hint) = (names().collect::<Vec<_>>().join(", "), did_you_mean(word, names()));
                return Err(FieldError::new("", format!("expected one of {known}, received `{word}`{hint}")));
            }
            Value::Object(_) => parse(value)?,
            other => {
                let detail = format!("expected a name or an object, received {}", type_of(other));
                return Err(FieldError::new("", detail));
            }
        };
        match settings {
            EncodeSettings::Hashing(hashing) if !(1..=65536).contains(&hashing.n_features) => {
                let detail = format!("expected 1 to 65536, received {}", hashing.n_features);
                Err(FieldError::new("/n_features", detail))
            }
            EncodeSettings::Target(target) if !(2..=100).contains(&target.cv) => {
                Err(FieldError::new("/cv", format!("expected 2 to 100, received {}", target.cv)))
            }
            EncodeSettings::Target(TargetSettings { smooth: Some(smooth), .. }) if smooth < 0.0 => {
                Err(FieldError::new("/smooth", format!("expected at least 0, received {smooth}")))
            }
            settings => Ok(Self(settings)),
        }
    }
}

impl Serialize for Encode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Self::read(&Value::from(self.0.name())) {
            Ok(default) if default == *self => serializer.serialize_str(self.0.name()),
            _ => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Encode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl PartialSchema for Encode {
    fn schema() -> RefOr<Schema> {
        let names: Vec<&str> = EncodeSettings::TABLE.iter().map(|(name, _)| *name).collect();
        OneOfBuilder::new()
            .description(Some("How the levels of a category become numbers: an encoding by its name, or with options."))
            .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)))
            .item(Ref::from_schema_name(<EncodeSettings as ToSchema>::name()))
            .into()
    }
}

impl ToSchema for Encode {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((<EncodeSettings as ToSchema>::name().into_owned(), EncodeSettings::schema()));
        let mut options = Vec::new();
        <EncodeSettings as ToSchema>::schemas(&mut options);
        schemas.extend(options.into_iter().map(beside_type));
    }
}
