//! What is wrong with a prediction request, and what was not taken at face value.

use crate::engine::field::{self, FieldError};
use serde::Serialize;

/// Maximum errors of one answer.
pub(super) const MAX_ERRORS: usize = field::MAX_LISTED;

/// Maximum warnings of one answer.
pub(super) const MAX_WARNINGS: usize = 20;

/// A value of a prediction request that was not taken at face value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PredictionWarning {
    /// Where it is in the request.
    pub pointer: String,
    /// For programs: `unseen_level`, `missing_column`, `constant_in_training`, `target_in_record`, `not_a_date`,
    /// `clipped`, `not_probabilities`.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

/// Errors and warnings of a request.
pub(super) struct Notes {
    /// The instance.
    pub index: usize,
    pub errors: Vec<FieldError>,
    pub warnings: Vec<PredictionWarning>,
}

impl Notes {
    /// One error for each pointer.
    pub fn error(&mut self, below: &str, detail: impl Into<String>) {
        let pointer = format!("/instances/{}{below}", self.index);
        if self.errors.len() < MAX_ERRORS && self.errors.iter().all(|error| error.pointer != pointer) {
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
