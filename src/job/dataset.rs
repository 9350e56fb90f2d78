//! [`Dataset`].

use crate::data::{
    read::{DatasetWarning, Dialect, Format},
    schema::Column,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An uploaded table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Dataset {
    /// UUIDv7.
    pub id: Uuid,
    /// Unique.
    pub name: String,
    /// Format of the file.
    pub format: Format,
    /// Number of rows, without a header.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// When the upload completed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How the file was read: the options of the upload, and what was detected.
    pub read: Dialect,
    /// In the file's order.
    pub columns: Vec<Column>,
    /// What was not taken at face value, or is probably not meant.
    pub warnings: Vec<DatasetWarning>,
}
