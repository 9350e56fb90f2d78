//! JSON tables: an array of records; `{"columns": [...], "data": [[...]]}` and `{"data": [{...}]}`; an object of columns, whose
//! cells are in lists or, as `to_json()` of pandas writes them, by index label; and one record per line (NDJSON). All but
//! objects of columns are streamed. An `index` is ignored.
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
    options::{Dialect, ReadOptions},
    reader::{Reader, Reading},
    source::Source,
};
use guard::StringGuard;
use serde::de::DeserializeSeed;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use table::Table;
use visit::{Document, Record};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON document.
pub(super) struct Json;

impl Reader for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn description(&self) -> &'static str {
        "an array of records, an object with `columns` and `data`, or an object of columns"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/json"]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json"]
    }

    fn example(&self) -> Option<Value> {
        Some(json!([{"sepal_length": 5.1, "species": "setosa"}]))
    }

    fn read(
        &self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError> {
        options.check_untyped(self.name(), true)?;
        let names = read(source.into_stream(), limits, sink)?;
        Ok(Reading { names, dialect: Dialect::json() })
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

    fn example(&self) -> Option<Value> {
        Some(Value::from("{\"sepal_length\": 5.1, \"species\": \"setosa\"}\n"))
    }

    fn read(
        &self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError> {
        options.check_untyped(self.name(), true)?;
        let names = read_lines(source.into_stream(), limits, sink)?;
        Ok(Reading { names, dialect: Dialect::json() })
    }
}

/// Reads an array of records, or columns with data; returns the names.
fn read(source: &mut dyn BufRead, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
    let mut table = Table::new(limits, sink, "record");
    let mut start = Vec::new();
    (&mut *source).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
    let start = if start == BYTE_ORDER_MARK { &[] } else { start.as_slice() };
    let mut source = start.chain(source);
    let guard = StringGuard::new(&mut source, limits.cell_bytes);
    let mut parser = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, guard));
    let parsed = Document(&mut table).deserialize(&mut parser).and_then(|()| parser.end());
    table.settle(parsed, |error| match error.classify() {
        serde_json::error::Category::Io => ReadError::from(std::io::Error::from(error)),
        _ => ReadError::Invalid(format!("expected a JSON table: {error}{}", hint(&error))),
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
        let record = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        if record.trim_ascii().is_empty() {
            continue;
        }
        table.place = number;
        let mut parser = serde_json::Deserializer::from_slice(record);
        let parsed = Record(&mut table).deserialize(&mut parser).and_then(|()| parser.end());
        if let Err(error) = parsed {
            return table.settle(Err(error), |error| {
                ReadError::Invalid(format!(
                    "line {number}: expected a JSON record: {}{}",
                    without_line(&error),
                    hint(&error)
                ))
            });
        }
    }
    table.settle(Ok(()), |error| ReadError::Invalid(error.to_string()))
}

/// What tools write that is no JSON.
fn hint(error: &serde_json::Error) -> &'static str {
    match error.to_string() {
        text if text.starts_with("expected value") => "; JSON has no NaN and no Infinity: send null",
        _ => "",
    }
}

/// An error's text for a document of one line.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at character ")
}

#[cfg(test)]
mod tests;
