//! The interface of a file format.

use super::{
    chunk::Sink,
    error::ReadError,
    limits::TableLimits,
    options::{Dialect, ReadOptions},
    source::Source,
    warning::DatasetWarning,
};
use serde_json::Value;

/// What a reader found beside the cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Names of the columns, in the file's order.
    pub names: Vec<String>,
    /// How the file was read.
    pub dialect: Dialect,
    /// Names of columns that have labels of the rows.
    pub labels: Vec<String>,
    /// What was not taken at face value, beside the cells.
    pub warnings: Vec<DatasetWarning>,
}

/// One file format: its names in the protocol, and its reader. A format is one file with this trait and one row of
/// [`super::registry`].
pub trait Reader: Sync {
    /// The name in JSON.
    fn name(&self) -> &'static str;

    /// What it is, for the published description.
    fn description(&self) -> &'static str;

    /// Media types (`Content-Type` without parameters) of the format; the first one is the usual one.
    fn media_types(&self) -> &'static [&'static str];

    /// Ends of file names, without the dot and in lower case.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether a file is text, which may be in another encoding than UTF-8.
    fn is_text(&self) -> bool {
        true
    }

    /// A small table in this format, for the published description: text, or JSON for formats that are JSON. None for a
    /// format that is not text.
    fn example(&self) -> Option<Value>;

    /// Reads the table chunk by chunk into `sink`. What `options` leave open is detected and reported.
    fn read(
        &self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError>;
}
