//! JSON tables, streamed: an array of records, `{"columns": [...], "data": [[...]]}` (pandas calls it `split`, and adds
//! an `index`, which is passed over), and one record a line (NDJSON).
//!
//! A key that a record does not have is a missing cell, and so is null. A key that appears first in a later record makes
//! a column whose earlier cells are missing.

mod guard;
mod table;
mod visit;

use super::{RECORD_BYTES, ReadError, TableLimits, chunk::Sink};
use guard::StringGuard;
use serde::de::DeserializeSeed;
use std::io::{BufRead, BufReader, Read};
use table::Table;
use visit::{Document, Record};

/// Reads an array of records, or columns with data; returns the names.
pub(super) fn read(
    source: &mut dyn BufRead,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut table = Table::new(limits, sink, "record");
    let guard = StringGuard::new(source, limits.cell_bytes);
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, guard));
    let parsed = Document(&mut table).deserialize(&mut json).and_then(|()| json.end());
    table.settle(parsed, |error| match error.classify() {
        serde_json::error::Category::Io => guard::describe(error.into()),
        _ => ReadError::Invalid(format!("expected a JSON table: {error}")),
    })
}

/// Reads a record a line; returns the names.
pub(super) fn read_lines(
    source: &mut dyn BufRead,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut table = Table::new(limits, sink, "line");
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        (&mut *source).take(RECORD_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        if line.len() > RECORD_BYTES {
            return Err(ReadError::Invalid(format!(
                "line {number}: expected a record of at most {RECORD_BYTES} bytes, received more"
            )));
        }
        if line.is_empty() {
            break;
        }
        let record = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if record.trim_ascii().is_empty() {
            continue;
        }
        table.place = number;
        let mut json = serde_json::Deserializer::from_slice(record);
        let parsed = Record(&mut table).deserialize(&mut json).and_then(|()| json.end());
        if let Err(error) = parsed {
            return table.settle(Err(error), |error| {
                ReadError::Invalid(format!("line {number}: expected a JSON record: {}", without_line(&error)))
            });
        }
    }
    table.settle(Ok(()), |error| ReadError::Invalid(error.to_string()))
}

/// An error's text for a document of one line.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at character ")
}

#[cfg(test)]
mod tests;
