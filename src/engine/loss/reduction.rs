//! [`ReducedLoss`] and [`Reduction`].

use super::Loss;
use crate::engine::{field, field::FieldError, registry};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Value, json};
use std::ops::Deref;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::SchemaType, schema::Type},
};

/// Reduction of the losses of the rows of a batch.
///
/// Source: <https://keras.io/api/losses/#base-loss-api>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Weighted sum divided by the number of rows.
    #[default]
    #[serde(alias = "mean")]
    SumOverBatchSize,
    /// Weighted sum.
    Sum,
    /// Weighted sum divided by the sum of the weights.
    MeanWithSampleWeight,
}

impl Reduction {
    /// Every name.
    const NAMES: [&'static str; 4] = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"];
}

/// A loss and its reduction over the rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReducedLoss {
    /// The loss of a row.
    pub loss: Loss,
    /// Its reduction.
    pub reduction: Reduction,
}

impl ReducedLoss {
    /// Whether the loss of a row, or its divisor, depends on the whole batch.
    pub fn needs_batch(&self) -> bool {
        self.reduction == Reduction::MeanWithSampleWeight || self.loss.needs_batch()
    }

    /// Whether the loss of several batches is not the weighted mean of their losses.
    pub(in crate::engine) fn depends_on_batching(&self) -> bool {
        self.reduction != Reduction::default() || self.loss.needs_batch()
    }

    /// The divisor of the sum of the losses, for this count of rows. `weighted`: whether there are weights or a mask.
    pub(in crate::engine) fn divisor(&self, count: f64, weighted: bool) -> f64 {
        // A loss of the whole batch is one number; without weights there is nothing to sum.
        let is_one = || !weighted && self.loss.batch_loss(&super::BatchSums::default()).is_some();
        match self.reduction {
            Reduction::Sum if !is_one() => 1.0,
            _ => count,
        }
    }
}

impl From<Loss> for ReducedLoss {
    fn from(loss: Loss) -> Self {
        Self { loss, reduction: Reduction::default() }
    }
}

impl Deref for ReducedLoss {
    type Target = Loss;

    fn deref(&self) -> &Loss {
        &self.loss
    }
}

/// As in every registry, the JSON pointer is passed in the message.
impl<'de> Deserialize<'de> for ReducedLoss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let reduction = value.as_object_mut().and_then(|fields| fields.shift_remove("reduction"));
        let reduction = match reduction {
            None => Reduction::default(),
            Some(name) => field::parse(&name).map_err(|_| {
                let names = Reduction::NAMES.join(", ");
                let detail = format!("expected one of {names}, received {name}");
                D::Error::custom(FieldError::new("/reduction", detail))
            })?,
        };
        let loss = registry::parse_member(value).map_err(D::Error::custom)?;
        Ok(Self { loss, reduction })
    }
}

impl Serialize for ReducedLoss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.reduction == Reduction::default() {
            return self.loss.serialize(serializer);
        }
        let mut loss = match serde_json::to_value(self.loss).map_err(serde::ser::Error::custom)? {
            Value::String(name) => json!({"type": name}),
            settings => settings,
        };
        loss["reduction"] = serde_json::to_value(self.reduction).map_err(serde::ser::Error::custom)?;
        loss.serialize(serializer)
    }
}

impl PartialSchema for ReducedLoss {
    fn schema() -> RefOr<Schema> {
        let reduction =
            ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(Reduction::NAMES));
        registry::with_property(Loss::schema(), "reduction", reduction)
    }
}

impl ToSchema for ReducedLoss {
    fn name() -> std::borrow::Cow<'static, str> {
        "Loss".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Loss::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reduction_is_among_the_settings_of_its_loss() {
        for (written, loss, reduction, printed) in [
            (json!("mse"), json!("mse"), Reduction::SumOverBatchSize, json!("mean_squared_error")),
            (
                json!({"type": "mse", "reduction": "mean"}),
                json!("mse"),
                Reduction::SumOverBatchSize,
                json!("mean_squared_error"),
            ),
            (
                json!({"type": "mse", "reduction": "sum"}),
                json!("mse"),
                Reduction::Sum,
                json!({"type": "mean_squared_error", "reduction": "sum"}),
            ),
            (
                json!({"type": "huber", "delta": 2.0, "reduction": "mean_with_sample_weight"}),
                json!({"type": "huber", "delta": 2.0}),
                Reduction::MeanWithSampleWeight,
                json!({"type": "huber", "delta": 2.0, "reduction": "mean_with_sample_weight"}),
            ),
        ] {
            let read: ReducedLoss = field::parse(&written).unwrap();
            assert_eq!(read, ReducedLoss { loss: field::parse(&loss).unwrap(), reduction });
            assert_eq!(serde_json::to_value(read).unwrap(), printed);
            assert_eq!(field::parse::<ReducedLoss>(&printed).unwrap(), read);
        }
    }

    #[test]
    fn unknown_reductions_are_refused() {
        for wrong in [json!("none"), json!(null), json!(1)] {
            let error = field::parse::<ReducedLoss>(&json!({"type": "mse", "reduction": wrong})).unwrap_err();
            assert_eq!(error.pointer, "/reduction");
            assert!(error.detail.contains(&format!("received {wrong}")), "{error:?}");
        }
        let error = field::parse::<ReducedLoss>(&json!({"type": "mse", "reductions": "sum"})).unwrap_err();
        assert_eq!(error.pointer, "/reductions");
    }
}
