//! What is wrong with a prediction request, and what was not taken at face value.

use crate::engine::field::{FieldError, FieldErrors, MAX_LISTED};
use serde::Serialize;

/// Maximum warnings of one answer.
pub(super) const MAX_WARNINGS: usize = 20;

/// A value of a prediction request that was not taken at face value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PredictionWarning {
    /// Where it is in the request.
    pub pointer: String,
    /// For programs: `unseen_level`, `missing_column`, `constant_in_training`, `target_in_record`, `not_a_date`,
    /// `time_zone`, `clipped`, `not_probabilities`.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

/// Errors and warnings of a request.
pub(super) struct Notes {
    /// The instance.
    pub index: usize,
    pub errors: FieldErrors,
    /// The pointer of the last error.
    last: String,
    pub warnings: Vec<PredictionWarning>,
}

impl Notes {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self { index: 0, errors: FieldErrors::default(), last: String::new(), warnings: Vec::new() }
    }

    /// Whether another error would be listed; one that is only counted needs no hint.
    pub fn lists_more(&self) -> bool {
        self.errors.count() < MAX_LISTED
    }

    /// One error for each pointer.
    pub fn error(&mut self, below: &str, detail: impl Into<String>) {
        let pointer = format!("/instances/{}{below}", self.index);
        let is_known = self.last == pointer || self.errors.listed().iter().any(|error| error.pointer == pointer);
        if !is_known {
            self.last.clone_from(&pointer);
            self.errors.push(FieldError::new(pointer, detail));
        }
    }

    /// One warning for each pointer.
    pub fn warn(&mut self, code: &'static str, below: impl Fn() -> String, detail: String) {
        if self.warnings.len() < MAX_WARNINGS {
            let pointer = format!("/instances/{}{}", self.index, below());
            if self.warnings.iter().all(|warning| warning.pointer != pointer) {
                self.warnings.push(PredictionWarning { pointer, code, detail });
            }
        }
    }
}
