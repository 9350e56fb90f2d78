//! A body as a type: every field that is missing, unknown or wrong is an error with its pointer.

use crate::engine::field::{FieldError, escape, parse};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reads `body`. A wrong field is replaced by a value of its type, so that the errors of the others are found too.
///
/// # Errors
/// One for each field, at most `max`.
pub fn read_fields<T: DeserializeOwned>(mut body: Value, max: usize) -> Result<T, Vec<FieldError>> {
    let mut errors: Vec<FieldError> = Vec::new();
    let mut read = parse::<T>(&body).map_err(located);
    loop {
        match read {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => return Err(errors),
            Err(error) => {
                let next = if errors.len() + 1 < max { replaced(&mut body, &error) } else { None };
                errors.push(error);
                match next {
                    Some(next) => read = next,
                    None => return Err(errors),
                }
            }
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

/// Gives the field of an error a value that it may have, or removes it, and reads the body again; `None` where that does not help.
fn replaced<T: DeserializeOwned>(body: &mut Value, error: &FieldError) -> Option<Result<T, FieldError>> {
    let field = field_of(error)?;
    let known = body.as_object()?.keys().find(|name| escape(name) == field);
    let name = known.cloned().unwrap_or_else(|| field.to_owned());
    let values = match error.is_unknown_field() {
        true => vec![None],
        false => vec![Some(json!("")), Some(json!([])), Some(json!({})), Some(json!(0)), Some(json!(false)), None],
    };
    values.into_iter().find_map(|value| {
        let fields = body.as_object_mut()?;
        match value {
            None => fields.shift_remove(&name),
            Some(value) => fields.insert(name.clone(), value),
        };
        let next = parse::<T>(body).map_err(located);
        let is_right = next.as_ref().err().is_none_or(|next| field_of(next) != Some(field));
        is_right.then_some(next)
    })
}
