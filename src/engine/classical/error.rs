//! What can go wrong: [`FitError`], [`StoredError`].

use crate::engine::field::FieldError;

/// Why a fit, or a prediction, ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// The cancel flag was set.
    #[error("cancelled")]
    Cancelled,
    /// A setting does not fit the data; the pointer is below the model (`/max_features`).
    #[error(transparent)]
    Setting(#[from] FieldError),
    /// The data cannot be used.
    #[error("{0}")]
    Data(String),
}

impl FitError {
    /// The data cannot be used.
    pub fn data(detail: impl Into<String>) -> Self {
        Self::Data(detail.into())
    }
}

/// A stored model that cannot be read: which array or field, what was expected and received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {detail}")]
pub struct StoredError {
    /// The array, or the field of the metadata.
    pub name: String,
    /// What was expected and received.
    pub detail: String,
}

impl StoredError {
    /// An error in `name`.
    pub fn new(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), detail: detail.into() }
    }
}
