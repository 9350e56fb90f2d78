//! [`LearningRate`].

use super::Schedule;
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    registry,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Unexpected},
};
use serde_json::Value;

/// Learning rate: a number, or a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum LearningRate {
    /// Constant, more than 0.
    Constant(f64),
    /// A schedule.
    Schedule(Schedule),
}

impl LearningRate {
    /// Ranges; the pointer is below the learning rate.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::Constant(rate) => check::positive("", *rate),
            Self::Schedule(schedule) => schedule.check(),
        }
    }

    /// The learning rate of a step, counted from 0.
    pub fn at<F: Real>(&self, step: u64) -> F {
        match self {
            Self::Constant(rate) => F::of(*rate),
            Self::Schedule(schedule) => schedule.rate(step),
        }
    }
}

impl<'de> Deserialize<'de> for LearningRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "a number or an object with a schedule's name as `type`";
        let value = Value::deserialize(deserializer)?;
        let received = match &value {
            Value::Object(_) => return registry::parse_member(value).map(Self::Schedule).map_err(Error::custom),
            Value::Number(number) => match number.as_f64() {
                Some(rate) => return Ok(Self::Constant(rate)),
                None => Unexpected::Other("number"),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Array(_) => Unexpected::Seq,
            Value::Null => Unexpected::Unit,
        };
        Err(Error::invalid_type(received, &EXPECTED))
    }
}
