//! [`Dataset`].

use crate::data::{read::Format, schema::Column};
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
    /// How the file is written.
    pub format: Format,
    /// Rows without a header.
    pub rows: u64,
    /// The file's size.
    pub bytes: u64,
    /// The file's SHA-256, hexadecimal.
    pub sha256: String,
    /// When the upload was complete.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// In the file's order.
    pub columns: Vec<Column>,
}
