//! Bounds on tables and on what is in memory while they are read.

/// How large a table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Maximum rows.
    pub rows: u64,
    /// Maximum columns.
    pub columns: usize,
    /// Maximum bytes of one cell.
    pub cell_bytes: usize,
}

impl TableLimits {
    /// For files that were inspected under the service's limits before.
    pub const NONE: Self = Self { rows: u64::MAX, columns: usize::MAX, cell_bytes: usize::MAX };
}

/// Bytes of a file that are in memory at a time, unless a record is longer.
pub(super) const BLOCK_BYTES: usize = 1 << 18;

/// Maximum bytes of one record.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 25;
