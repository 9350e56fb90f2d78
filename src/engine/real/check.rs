//! Ranges of settings.
//!
//! Settings are `f64` as Python's are, but a job computes in `f32`: what does not fit there is refused here.

use crate::engine::field::FieldError;

fn range(ok: bool, pointer: &str, expected: &str, value: f64) -> Result<(), FieldError> {
    if ok && (value as f32).is_finite() {
        return Ok(());
    }
    Err(FieldError::new(pointer, format!("expected {expected}, received {value:?}")))
}

/// More than 0, in `f32` too.
pub(crate) fn positive(pointer: &str, value: f64) -> Result<(), FieldError> {
    range(value as f32 > 0.0, pointer, "a number over 0 and below 3.4e38", value)
}

/// 0 or more.
pub(crate) fn not_negative(pointer: &str, value: f64) -> Result<(), FieldError> {
    range(value >= 0.0, pointer, "a number from 0 to 3.4e38", value)
}

/// Any number.
pub(crate) fn finite(pointer: &str, value: f64) -> Result<(), FieldError> {
    range(true, pointer, "a number from -3.4e38 to 3.4e38", value)
}

/// 0 to 1, without 1.
pub(crate) fn below_one(pointer: &str, value: f64) -> Result<(), FieldError> {
    range((0.0..1.0).contains(&value) && (value as f32) < 1.0, pointer, "a number from 0 to less than 1", value)
}

/// 0 to 1.
pub(crate) fn fraction(pointer: &str, value: f64) -> Result<(), FieldError> {
    range((0.0..=1.0).contains(&value), pointer, "a number from 0 to 1", value)
}
