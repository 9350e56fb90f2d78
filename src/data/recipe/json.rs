//! Numbers of predictions and error texts in JSON.

use serde_json::{Number, Value};

/// A number; null if it is not finite.
pub fn json_real(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// The shortest decimal number that reads back as the same `f32`; null if it is not finite.
pub fn json_number(value: f32) -> Value {
    // The shortest digits of the f32 are the shortest digits of the f64 that they denote.
    fast_float2::parse::<f64, _>(value.to_string()).ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
