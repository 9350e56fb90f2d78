//! Readers: one file a format. A first pass infers and summarizes, a later one loads the columns that a job wants.

use crate::data::{
    schema::{Column, Format},
    table::Table,
};
use std::io::BufRead;

/// How large a table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Most rows.
    pub rows: u64,
    /// Most columns.
    pub columns: usize,
    /// Most bytes of one cell.
    pub cell_bytes: usize,
}

/// What the first pass found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Rows without the header.
    pub rows: u64,
    /// Columns in the file's order.
    pub columns: Vec<Column>,
}

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ReadError {
    /// The client's fault; the text says where (line, column) and what was expected.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads the whole file once, in constant memory.
pub fn inspect(_source: &mut dyn BufRead, _format: Format, _limits: &TableLimits) -> Result<Inspection, ReadError> {
    todo!()
}

/// Reads the columns named in `wanted`, in that order; `columns` is what [`inspect`] found.
pub fn load(
    _source: &mut dyn BufRead,
    _format: Format,
    _columns: &[Column],
    _wanted: &[String],
) -> Result<Table, ReadError> {
    todo!()
}

/// The first `limit` rows as JSON records, for people to look at.
pub fn rows(
    _source: &mut dyn BufRead,
    _format: Format,
    _columns: &[Column],
    _limit: usize,
) -> Result<Vec<serde_json::Value>, ReadError> {
    todo!()
}
