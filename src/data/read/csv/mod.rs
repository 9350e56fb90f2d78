//! Comma-separated values: RFC 4180 with a header line. Where the header has no comma, semicolons or tabs separate.
//!
//! Blanks around an unquoted cell are no part of it, and blank lines are no rows. A quote opens a quoted cell only at the
//! cell's start; elsewhere it is a character.

mod scanner;

use super::{
    cell::Cell,
    chunk::{CellRef, Chunk, Sink},
    error::ReadError,
    limits::{BLOCK_BYTES, MAX_RECORD_BYTES, TableLimits},
    names::check_names,
    reader::Reader,
    source::Source,
};
use scanner::Scanner;
use serde_json::Value;
use std::io::{BufRead, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Comma-separated values.
pub(super) struct Csv;

impl Reader for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn description(&self) -> &'static str {
        "text separated by commas, semicolons or tabs (RFC 4180) with a header line"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["text/csv", "application/csv"]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv"]
    }

    fn example(&self) -> Value {
        Value::from("sepal_length,species\n5.1,setosa\n6.3,virginica\n")
    }

    fn read(&self, source: Source<'_>, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
        read(source.into_stream(), None, limits, sink)
    }
}

/// Tab-separated values: CSV whose separator is the tab.
pub(super) struct Tsv;

impl Reader for Tsv {
    fn name(&self) -> &'static str {
        "tsv"
    }

    fn description(&self) -> &'static str {
        "text separated by tabs with a header line"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["text/tab-separated-values"]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["tsv", "tab"]
    }

    fn example(&self) -> Value {
        Value::from("sepal_length\tspecies\n5.1\tsetosa\n6.3\tvirginica\n")
    }

    fn read(&self, source: Source<'_>, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Vec<String>, ReadError> {
        read(source.into_stream(), Some(b'\t'), limits, sink)
    }
}

/// Reads the file chunk by chunk and returns the header's names. The separator is detected where none is given.
fn read(
    source: &mut dyn BufRead,
    separator: Option<u8>,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut block = Block { source, bytes: Vec::with_capacity(BLOCK_BYTES), wanted: BLOCK_BYTES, ended: false };
    block.fill()?;
    if block.bytes.starts_with(BYTE_ORDER_MARK) {
        block.bytes.drain(..BYTE_ORDER_MARK.len());
    }
    let delimiter = separator.unwrap_or_else(|| delimiter(&block.bytes));
    let (names, mut line) = header(&mut block, delimiter, limits)?;

    let mut columns: Vec<Vec<CellRef>> = vec![Vec::new(); names.len()];
    let mut places = Vec::new();
    let mut rows_before = 0;
    loop {
        let mut scanner =
            Scanner { bytes: &block.bytes, at: 0, line, delimiter, ended: block.ended, cell_bytes: limits.cell_bytes };
        scanner.rows(&names, &mut columns, &mut places)?;
        let (used, next_line) = (scanner.at, scanner.line);
        let text = utf8(block.bytes.get(..used).unwrap_or_default(), line, &names, &columns, &places)?;
        let rows = places.len();
        if rows_before + rows as u64 > limits.rows {
            return Err(ReadError::Invalid(format!("expected at most {} rows, received more", limits.rows)));
        }
        if rows > 0 {
            let chunk = Chunk { text, columns: &columns, rows, rows_before, places: &places, unit: "line" };
            if sink(&chunk)?.is_break() {
                return Ok(names);
            }
        }
        rows_before += rows as u64;
        line = next_line;
        columns.iter_mut().for_each(Vec::clear);
        places.clear();
        if block.ended {
            return Ok(names);
        }
        block.advance(used, line)?;
    }
}

/// The part of the file that is in memory: whole records and the start of one more.
struct Block<'a> {
    source: &'a mut dyn BufRead,
    bytes: Vec<u8>,
    wanted: usize,
    ended: bool,
}

impl Block<'_> {
    /// Fills up to `wanted` bytes whatever the source's own pieces are, so that chunks do not depend on timing.
    fn fill(&mut self) -> Result<(), ReadError> {
        let room = self.wanted.saturating_sub(self.bytes.len());
        let read = (&mut *self.source).take(room as u64).read_to_end(&mut self.bytes)?;
        self.ended = read < room;
        Ok(())
    }

    /// Drops the `used` first bytes and reads on; makes room where not even one record was complete.
    fn advance(&mut self, used: usize, line: u64) -> Result<(), ReadError> {
        self.bytes.drain(..used);
        self.wanted = if self.bytes.len() < BLOCK_BYTES / 2 { BLOCK_BYTES } else { self.bytes.len() * 2 };
        if self.bytes.len() >= MAX_RECORD_BYTES {
            return Err(ReadError::Invalid(format!(
                "line {line}: expected a record of at most {MAX_RECORD_BYTES} bytes, received more"
            )));
        }
        self.fill()
    }
}

fn delimiter(bytes: &[u8]) -> u8 {
    let first_line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if first_line.contains(&b',') {
        return b',';
    }
    [b';', b'\t'].into_iter().find(|delimiter| first_line.contains(delimiter)).unwrap_or(b',')
}

/// Reads the first record, and the line after it.
fn header(block: &mut Block<'_>, delimiter: u8, limits: &TableLimits) -> Result<(Vec<String>, u64), ReadError> {
    let mut cells = Vec::new();
    loop {
        cells.clear();
        let mut scanner = Scanner {
            bytes: &block.bytes,
            at: 0,
            line: 1,
            delimiter,
            ended: block.ended,
            cell_bytes: limits.cell_bytes,
        };
        scanner.skip_blank_lines();
        if scanner.at == scanner.bytes.len() && scanner.ended {
            return Err(ReadError::Invalid("expected a header line, received an empty file".into()));
        }
        let line = scanner.line;
        let complete = scanner.record(|cell| cells.push(cell)).map_err(|fault| fault.at(&[]))?;
        if complete {
            if cells.len() > limits.columns {
                let (most, received) = (limits.columns, cells.len());
                return Err(ReadError::Invalid(format!("expected at most {most} columns, received {received}")));
            }
            let (used, next_line) = (scanner.at, scanner.line);
            let text = utf8(block.bytes.get(..used).unwrap_or_default(), line, &[], &[], &[])?;
            let chunk = Chunk { text, columns: &[], rows: 1, rows_before: 0, places: &[], unit: "line" };
            let names: Vec<String> = cells
                .iter()
                .map(|&cell| match chunk.cell(cell) {
                    Cell::Written(name) => name.into_owned(),
                    _ => String::new(),
                })
                .collect();
            check_names(&names, &format!("line {line}"))?;
            block.advance(used, next_line)?;
            return Ok((names, next_line));
        }
        block.advance(0, line)?;
    }
}

/// Checks that the records are text, and says where they are not.
fn utf8<'a>(
    bytes: &'a [u8],
    first_line: u64,
    names: &[String],
    columns: &[Vec<CellRef>],
    places: &[u64],
) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let before = bytes.get(..at).unwrap_or_default();
        let line = first_line + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let received = bytes.get(at).copied().unwrap_or_default();
        let row = places.iter().rposition(|&place| place <= line);
        let column = row.and_then(|row| {
            columns.iter().zip(names).find_map(|(cells, name)| match cells.get(row) {
                Some(&(CellRef::Written(start, end) | CellRef::Escaped(start, end))) => {
                    (start as usize..end as usize).contains(&at).then_some(name)
                }
                _ => None,
            })
        });
        let place = match column {
            Some(name) => format!("line {line}, column {name:?}"),
            None => format!("line {line}"),
        };
        ReadError::Invalid(format!("{place}: expected UTF-8, received the byte 0x{received:02x}"))
    })
}

#[cfg(test)]
mod tests;
