//! JSON tables, streamed: an array of records, `{"columns": [...], "data": [[...]]}` (pandas calls it `split`, and adds
//! an `index`, which is passed over), and one record a line (NDJSON).
//!
//! A key that a record does not have is a missing cell, and so is null. A key that appears first in a later record makes
//! a column whose earlier cells are missing.

mod guard;
mod table;
mod visit;

use super::{
    chunk::Sink,
    error::ReadError,
    limits::{MAX_RECORD_BYTES, TableLimits},
    reader::Reader,
    source::Source,
};
use guard::StringGuard;
use serde::de::DeserializeSeed;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use table::Table;
use visit::{Document, Record};

/// A JSON document.
pub(super) struct Json;

impl Reader for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn description(&self) -> &'static str {
        "an array of records, or an object with `columns` and `data`"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/json"]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json"]
    }

    fn example(&self) -> Value {
        json!([{"sepal_length": 5.1, "species": "setosa"}])
    }

    fn read(&self, source: Source<'_>, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
        read(source.into_stream(), limits, sink)
    }
}

/// A JSON record per line.
pub(super) struct Ndjson;

impl Reader for Ndjson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn description(&self) -> &'static str {
        "a JSON record per line"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["ndjson", "jsonl"]
    }

    fn example(&self) -> Value {
        Value::from("{\"sepal_length\": 5.1, \"species\": \"setosa\"}\n")
    }

    fn read(&self, source: Source<'_>, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
        read_lines(source.into_stream(), limits, sink)
    }
}

/// Reads an array of records, or columns with data; returns the names.
fn read(source: &mut dyn BufRead, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
    let mut table = Table::new(limits, sink, "record");
    let guard = StringGuard::new(source, limits.cell_bytes);
    let mut parser = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, guard));
    let parsed = Document(&mut table).deserialize(&mut parser).and_then(|()| parser.end());
    table.settle(parsed, |error| match error.classify() {
        serde_json::error::Category::Io => guard::describe(error.into()),
        _ => ReadError::Invalid(format!("expected a JSON table: {error}")),
    })
}

/// Reads a record per line; returns the names.
fn read_lines(source: &mut dyn BufRead, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
    let mut table = Table::new(limits, sink, "line");
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        (&mut *source).take(MAX_RECORD_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        if line.len() > MAX_RECORD_BYTES {
            return Err(ReadError::Invalid(format!(
                "line {number}: expected a record of at most {MAX_RECORD_BYTES} bytes, received more"
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
        let mut parser = serde_json::Deserializer::from_slice(record);
        let parsed = Record(&mut table).deserialize(&mut parser).and_then(|()| parser.end());
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
