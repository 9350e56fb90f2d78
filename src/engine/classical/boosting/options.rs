//! Settings of boosting that are a name, a number or a list.

use crate::engine::field::FieldError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// The loss that boosting minimizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoostingLoss {
    /// Binary or multinomial deviance, for classes.
    LogLoss,
    /// `(y - p)^2 / 2`.
    SquaredError,
    /// `|y - p|`; a leaf predicts the median.
    AbsoluteError,
    /// `exp(r) - y r` of the raw prediction `r`; predicts `exp(r)`, for targets of at least 0.
    Poisson,
    /// `r + y exp(-r)` of the raw prediction `r`; predicts `exp(r)`, for targets of more than 0.
    Gamma,
    /// `q (y - p)` above the prediction, `(1 - q) (p - y)` below it; a leaf predicts the quantile `q`.
    Quantile,
}

/// Which columns are categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoricalFeatures {
    /// Those of the table: a split divides their levels in two sets.
    FromDtype,
}

/// What early stopping watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// The loss.
    Loss,
}

/// Whether to stop when the loss of rows that are held out stops to decrease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlyStopping {
    /// For more than 10,000 rows.
    Auto,
    /// Always, or never.
    Given(bool),
}

impl Serialize for EarlyStopping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Given(given) => serializer.serialize_bool(*given),
        }
    }
}

impl<'de> Deserialize<'de> for EarlyStopping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(given) => Ok(Self::Given(given)),
            Value::String(name) if name == "auto" => Ok(Self::Auto),
            other => Err(D::Error::custom(format!("expected `auto`, true or false, received {other}"))),
        }
    }
}

fn plain(kind: Type) -> RefOr<Schema> {
    RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(kind).build()))
}

fn names<const N: usize>(names: [&str; N]) -> RefOr<Schema> {
    let names = names.map(str::to_owned);
    RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()))
}

impl PartialSchema for EarlyStopping {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(names(["auto"]))
            .item(plain(Type::Boolean))
            .description(Some("`auto` (for more than 10,000 rows), true or false."))
            .into()
    }
}

impl ToSchema for EarlyStopping {
    // A job has an `EarlyStopping` too.
    fn name() -> std::borrow::Cow<'static, str> {
        "BoostingEarlyStopping".into()
    }
}

/// Which columns may be on one path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InteractionCst {
    /// Any two.
    Pairwise,
    /// One only.
    NoInteractions,
    /// Those of one of these groups; columns of no group are one more group.
    Groups(Vec<Vec<usize>>),
}

impl InteractionCst {
    /// The groups, sorted, of which every column is in one at least.
    pub(super) fn groups(&self, columns: usize) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = match self {
            Self::NoInteractions => (0..columns).map(|column| vec![column]).collect(),
            Self::Pairwise => {
                (0..columns).flat_map(|first| (first + 1..columns).map(move |second| vec![first, second])).collect()
            }
            Self::Groups(groups) => groups.clone(),
        };
        for group in &mut groups {
            group.sort_unstable();
            group.dedup();
        }
        let rest: Vec<usize> =
            (0..columns).filter(|column| !groups.iter().any(|group| group.contains(column))).collect();
        if !rest.is_empty() {
            groups.push(rest);
        }
        groups
    }

    /// Fails if a group names a column that is not there.
    pub(super) fn check(&self, columns: usize) -> Result<(), FieldError> {
        let Self::Groups(groups) = self else { return Ok(()) };
        for (at, group) in groups.iter().enumerate() {
            if let Some(place) = group.iter().position(|column| *column >= columns) {
                let detail = format!("expected a column of 0 to {}, received {}", columns - 1, group[place]);
                return Err(FieldError::new(format!("/interaction_cst/{at}/{place}"), detail));
            }
        }
        Ok(())
    }
}

impl Serialize for InteractionCst {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pairwise => serializer.serialize_str("pairwise"),
            Self::NoInteractions => serializer.serialize_str("no_interactions"),
            Self::Groups(groups) => groups.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for InteractionCst {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_str() {
            Some("pairwise") => return Ok(Self::Pairwise),
            Some("no_interactions") => return Ok(Self::NoInteractions),
            _ => {}
        }
        let groups = serde_json::from_value(value.clone()).ok().map(Self::Groups);
        let detail = || format!("expected `pairwise`, `no_interactions` or lists of columns, received {value}");
        groups.ok_or_else(|| D::Error::custom(detail()))
    }
}

impl PartialSchema for InteractionCst {
    fn schema() -> RefOr<Schema> {
        let group = RefOr::T(Schema::Array(ArrayBuilder::new().items(plain(Type::Integer)).build()));
        let groups = RefOr::T(Schema::Array(ArrayBuilder::new().items(group).build()));
        OneOfBuilder::new()
            .item(names(["pairwise", "no_interactions"]))
            .item(groups)
            .description(Some(
                "`pairwise`, `no_interactions`, or lists of columns, of which one may be on a path of a tree.",
            ))
            .into()
    }
}

impl ToSchema for InteractionCst {}
