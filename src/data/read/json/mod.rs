//! JSON tables: an array of records; `{"columns": [...], "data": [[...]]}` and `{"data": [{...}]}`; an object of columns, whose
//! cells are in lists or, as `to_json()` of pandas writes them, by index label; and one record per line (NDJSON). All but
//! objects of columns are streamed. An `index` is ignored.
//!
//! A key that a record does not have is a missing cell, and so is null. A key that appears first in a later record makes
//! a column whose earlier cells are missing.

mod guard;
mod integers;
mod schema;
mod table;
mod visit;

use super::{
    chunk::Sink,
    error::ReadError,
    kind,
    limits::{MAX_RECORD_BYTES, TableLimits},
    options::ReadOptions,
    reader::{Reader, Reading},
    source::Source,
};
use crate::data::strict;
use guard::StringGuard;
use integers::refusal_in;
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
        read_lines(source.into_stream(), limits, sink)
    }
}

/// Reads an array of records, or columns with data.
fn read(source: &mut dyn BufRead, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Reading, ReadError> {
    let mut table = Table::new(limits, sink, "record");
    let start = start_of(source)?;
    let mut start = start.as_slice();
    while let Some(rest) = start.strip_prefix(BYTE_ORDER_MARK) {
        start = rest;
    }
    if let Some(received) = kind::other_than_json(start) {
        return Err(ReadError::Invalid(format!("expected a JSON table, received {received}")));
    }
    let inner = start.trim_ascii_start().strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
    let hint = if inner.starts_with(b"[") {
        "; rows without names are sent as {\"columns\": [...], \"data\": [[...]]}"
    } else {
        ""
    };
    let mut source = start.chain(source);
    let guard = StringGuard::new(&mut source, limits.cell_bytes);
    let mut buffered = BufReader::with_capacity(1 << 16, guard);
    let mut parser = serde_json::Deserializer::from_reader(&mut buffered);
    let parsed = Document(&mut table).deserialize(&mut parser).and_then(|()| parser.end());
    drop(parser);
    table.settle(parsed, |error| match error.classify() {
        serde_json::error::Category::Io => ReadError::from(std::io::Error::from(error)),
        serde_json::error::Category::Syntax => {
            let word = strict::number_word_behind(buffered.buffer());
            ReadError::Invalid(format!("expected a JSON table: {}", strict::syntax_in(&error, 1, word)))
        }
        _ => ReadError::Invalid(format!("expected a JSON table: {}{hint}", strict::syntax(&error))),
    })
}

/// The first bytes of a file.
fn start_of(source: &mut dyn BufRead) -> Result<Vec<u8>, ReadError> {
    let mut start = Vec::new();
    source.take(kind::SAMPLE_BYTES).read_to_end(&mut start)?;
    Ok(start)
}

/// Reads a record per line.
fn read_lines(source: &mut dyn BufRead, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Reading, ReadError> {
    let mut table = Table::new(limits, sink, "line");
    let mut line = Vec::new();
    for number in 1usize.. {
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
        let record = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { line.as_slice() };
        let record = record.trim_ascii_end();
        if record.is_empty() {
            continue;
        }
        if let (true, Some(received)) = (table.is_empty(), kind::other_than_json(record)) {
            return Err(ReadError::Invalid(format!("expected a JSON record per line, received {received}")));
        }
        table.place = number as u64;
        let mut parser = serde_json::Deserializer::from_slice(record);
        let parsed = Record(&mut table).deserialize(&mut parser).and_then(|()| parser.end());
        if let Err(error) = parsed {
            return table.settle(Err(error), |error| ReadError::Invalid(wrong_record(&error, record, number)));
        }
        if std::mem::take(&mut table.has_large)
            && let Some(detail) = refusal_in(record)
        {
            return Err(ReadError::Invalid(format!("line {number}: {detail}")));
        }
    }
    table.settle(Ok(()), |error| ReadError::Invalid(error.to_string()))
}

/// What is wrong with the record in the line `number`.
fn wrong_record(error: &serde_json::Error, record: &[u8], number: usize) -> String {
    let word = match error.classify() {
        serde_json::error::Category::Syntax => strict::number_word(record, 1, error.column()),
        _ => None,
    };
    let hint = if record.trim_ascii_start().starts_with(b"[") {
        "; an array of records has Content-Type application/json"
    } else if error.is_eof() {
        "; a record ends in the line in which it begins, or the file has Content-Type application/json"
    } else {
        ""
    };
    format!("expected a JSON record per line: {}{hint}", strict::syntax_in(error, number, word))
}

#[cfg(test)]
mod tests;
