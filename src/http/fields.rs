//! A body as a type: every field that is missing, unknown or wrong is an error with its pointer.

use crate::engine::field::{FieldError, MAX_LISTED, escape, parse};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reads `body`. A wrong field is replaced by a value of its type, so that the errors of the others are found too.
///
/// # Errors
/// One for each field, at most [`MAX_LISTED`].
pub fn read_fields<T: DeserializeOwned>(mut body: Value) -> Result<T, Vec<FieldError>> {
    let mut errors: Vec<FieldError> = Vec::new();
    loop {
        let error = match parse::<T>(&body) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => return Err(errors),
            Err(error) => located(error),
        };
        let is_replaced = field_of(&error).is_some_and(|field| replace::<T>(&mut body, field));
        errors.push(error);
        if !is_replaced || errors.len() >= MAX_LISTED {
            return Err(errors);
        }
    }
}

/// The error of a missing field at the place of the field.
fn located(error: FieldError) -> FieldError {
    let rest = error.detail.strip_prefix("expected the field `").filter(|_| error.pointer.is_empty());
    let pointer =
        rest.and_then(|rest| rest.strip_suffix("`, received nothing")).map(|name| format!("/{}", escape(name)));
    match pointer {
        Some(pointer) => FieldError { pointer, ..error },
        None => error,
    }
}

/// The field of the body that an error is in, as a token of its pointer.
fn field_of(error: &FieldError) -> Option<&str> {
    error.pointer.strip_prefix('/')?.split('/').next()
}

/// Gives a field a value that it may have, or removes it. Returns whether nothing is wrong with it any more.
fn replace<T: DeserializeOwned>(body: &mut Value, field: &str) -> bool {
    let Some(fields) = body.as_object() else { return false };
    let name = fields.keys().find(|name| escape(name) == field).cloned().unwrap_or_else(|| field.to_owned());
    let values = [Some(json!("")), Some(json!([])), Some(json!({})), Some(json!(0)), Some(json!(false)), None];
    values.into_iter().any(|value| {
        let Some(fields) = body.as_object_mut() else { return false };
        match value {
            None => fields.shift_remove(&name),
            Some(value) => fields.insert(name.clone(), value),
        };
        let next = parse::<T>(body).err().map(located);
        next.is_none_or(|next| field_of(&next) != Some(field))
    })
}
