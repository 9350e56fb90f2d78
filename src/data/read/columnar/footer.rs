//! Where the cells of each column are.

use super::block::Width;
use crate::data::schema::ColumnType;
use serde::{Deserialize, Serialize};

/// The last bytes of a file, with the version of the form.
pub(super) const MAGIC: &[u8; 8] = b"EPOCOL01";

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Footer {
    /// SHA-256 of the file that the columns are of.
    pub sha256: String,
    pub rows: u64,
    pub columns: Vec<StoredColumn>,
    /// Rows of each group.
    pub groups: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// One for each group.
    pub blocks: Vec<Block>,
}

/// A column's cells of a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Block {
    pub at: u64,
    pub width: Width,
    pub crc32: u32,
}
