//! Column names.

use super::error::ReadError;
use std::collections::HashSet;

/// Fails for an empty name, for a name that occurs twice, and where there is no column. `place` is where the names are.
pub(super) fn check_names(names: &[String], place: &str) -> Result<(), ReadError> {
    if names.is_empty() {
        return Err(ReadError::Invalid("expected at least one column, received none".into()));
    }
    let mut seen = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        let number = index + 1;
        if name.is_empty() {
            return Err(ReadError::Invalid(format!(
                "{place}, column {number}: expected a name, received an empty one"
            )));
        }
        if !seen.insert(name) {
            return Err(ReadError::Invalid(format!(
                "{place}, column {number}: expected a unique name, received {name:?} again"
            )));
        }
    }
    Ok(())
}
