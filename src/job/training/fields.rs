//! Settings that serde alone would refuse without saying what was expected.

use super::output_setting::OutputSetting;
use crate::{
    data::weights::{ClassWeight, ClassWeightRule},
    engine::{
        field::{FieldError, escape, parse},
        fit::ValidationFreq,
        loss::ReducedLoss,
        metric::Metric,
    },
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use std::{collections::HashSet, ops::RangeInclusive};

/// Every epoch of a job is stored as an event.
const MAX_EPOCHS: u32 = 1_000_000;

const MAX_STEPS_PER_EPOCH: u32 = 1_000_000_000;

/// Reads by `read`, whose pointer travels in the message as [`parse`] expects it.
fn checked<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    read: impl FnOnce(&Value) -> Result<T, FieldError>,
) -> Result<T, D::Error> {
    read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// As [`checked`], where null is nothing.
fn optional<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    read: impl FnOnce(&Value) -> Result<T, FieldError>,
) -> Result<Option<T>, D::Error> {
    checked(deserializer, |value| if value.is_null() { Ok(None) } else { read(value).map(Some) })
}

pub(super) fn epochs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(deserializer, |value| whole_number(value, 1..=MAX_EPOCHS))
}

pub(super) fn steps_per_epoch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    optional(deserializer, |value| whole_number(value, 1..=MAX_STEPS_PER_EPOCH))
}

pub(super) fn validation_split<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(deserializer, |value| {
        let expected = || FieldError::new("", format!("expected a number from 0 to less than 1, received {value}"));
        value.as_f64().filter(|fraction| (0.0..1.0).contains(fraction)).ok_or_else(expected)
    })
}

pub(super) fn loss<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OutputSetting<Option<ReducedLoss>>>, D::Error> {
    optional(deserializer, |value| OutputSetting::parse(value, parse))
}

pub(super) fn metrics<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OutputSetting<Vec<Metric>>>, D::Error> {
    optional(deserializer, |value| OutputSetting::parse_lists(value, list_of_metrics))
}

pub(super) fn loss_weights<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OutputSetting<f64>>, D::Error> {
    optional(deserializer, |value| OutputSetting::parse(value, weight))
}

/// A number of epochs, or a list of them.
pub(super) fn validation_freq<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ValidationFreq>, D::Error> {
    let epoch = |value: &Value| whole_number(value, 1..=MAX_EPOCHS);
    optional(deserializer, |value| {
        let Value::Array(epochs) = value else { return epoch(value).map(ValidationFreq::Every) };
        let epochs = epochs.iter().enumerate();
        let epochs = epochs.map(|(index, value)| epoch(value).map_err(|error| error.under(&format!("/{index}"))));
        epochs.collect::<Result<_, _>>().map(ValidationFreq::Epochs)
    })
}

pub(super) fn class_weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClassWeight>, D::Error> {
    optional(deserializer, |value| match value {
        Value::String(word) if word == "balanced" => Ok(ClassWeight::Rule(ClassWeightRule::Balanced)),
        Value::Object(weights) => {
            let weights = weights.iter().map(|(label, value)| {
                let weight = weight(value).map_err(|error| error.under(&format!("/{}", escape(label))))?;
                Ok((label.clone(), weight))
            });
            weights.collect::<Result<_, _>>().map(ClassWeight::Labels)
        }
        _ => {
            let detail = format!("expected \"balanced\" or an object from label to weight, received {value}");
            Err(FieldError::new("", detail))
        }
    })
}

fn whole_number(value: &Value, range: RangeInclusive<u32>) -> Result<u32, FieldError> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        let what = if value.is_i64() || value.is_u64() { "" } else { "a whole number from " };
        FieldError::new("", format!("expected {what}{} to {}, received {value}", range.start(), range.end()))
    })
}

fn weight(value: &Value) -> Result<f64, FieldError> {
    let weight = value.as_f64().filter(|weight| (0.0..=f64::from(f32::MAX)).contains(weight));
    weight.ok_or_else(|| FieldError::new("", format!("expected a number of at least 0, received {value}")))
}

/// A list, or one metric alone as in Keras.
fn list_of_metrics(value: &Value) -> Result<Vec<Metric>, FieldError> {
    let Value::Array(values) = value else { return parse(value).map(|metric| vec![metric]) };
    let (mut metrics, mut names) = (Vec::with_capacity(values.len()), HashSet::new());
    for (index, value) in values.iter().enumerate() {
        let metric: Metric = parse(value).map_err(|error| error.under(&format!("/{index}")))?;
        if !names.insert(metric.name()) {
            let detail = format!("expected each metric once, received `{}` again", metric.name());
            return Err(FieldError::new(format!("/{index}"), detail));
        }
        metrics.push(metric);
    }
    Ok(metrics)
}
