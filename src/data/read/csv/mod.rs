//! Comma-separated values: RFC 4180 with a header line. The separator is detected ([`layout`]).
//!
//! White space around a cell is no part of it, and blank lines are no rows. A quote opens a quoted cell only at the cell's
//! start; elsewhere it is a character.

mod block;
mod doubts;
mod header;
mod layout;
mod marks;
mod sample;
mod scanner;

use super::{
    cell::{self, Cell},
    chunk::{CellRef, Chunk, Sink},
    error::ReadError,
    limits::TableLimits,
    names::check_names,
    options::{Dialect, ReadOptions},
    reader::{Reader, Reading},
    source::Source,
    spelling::Spelling,
    warning::{DatasetWarning, Examples},
};
use block::Block;
use doubts::{LINE_ENDS, add_empty_rows, empty_rows, no_header, one_line, total_row};
use layout::Layout;
use scanner::Scanner;
use serde_json::Value;
use std::io::BufRead;

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

    fn example(&self) -> Option<Value> {
        Some(Value::from("sepal_length,species\n5.1,setosa\n6.3,virginica\n"))
    }

    fn read(
        &self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError> {
        read(source.into_stream(), None, options, limits, sink)
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

    fn example(&self) -> Option<Value> {
        Some(Value::from("sepal_length\tspecies\n5.1\tsetosa\n6.3\tvirginica\n"))
    }

    fn read(
        &self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError> {
        read(source.into_stream(), Some(b'\t'), options, limits, sink)
    }
}

/// Reads the file chunk by chunk. `announced` is the separator that the format has.
fn read(
    source: &mut dyn BufRead,
    announced: Option<u8>,
    options: &ReadOptions,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Reading, ReadError> {
    let mut block = Block::start(source)?;
    let layout = layout::detect(&block.bytes, block.ended, announced, options)?;
    block.advance(layout.start, 1)?;
    let is_one_line = block.ended && !block.bytes.is_empty() && !has_line_end(&block.bytes);
    if layout.header && is_one_line {
        return Err(ReadError::Invalid(format!(
            "expected at least one row after the header, received one line; {LINE_ENDS}"
        )));
    }
    let comment = options.comment;
    let mut line = layout.skip_rows + 1;
    let (names, label) = header(&mut block, layout, comment, limits, &mut line)?;
    let dialect = Dialect {
        encoding: "utf-8".to_owned(),
        separator: Some(layout.separator.into()),
        quote: Some(layout.quote.into()),
        header: Some(layout.header),
        skip_rows: Some(layout.skip_rows),
        comment: comment.map(char::from),
        ..Dialect::default()
    };
    let (spelling, warning) = marks::spelling(&block.bytes, block.ended, layout, options);
    let mut warnings: Vec<DatasetWarning> = warning.into_iter().collect();
    if layout.first_is_row {
        warnings.push(no_header(layout.skip_rows + 1));
    }
    if is_one_line && layout.skip_rows == 0 {
        warnings.push(one_line());
    }
    let labels = label.into_iter().collect();
    let mut reading = Reading { names, dialect: dialect.spelled(&spelling), labels, warnings };
    let names = &reading.names;

    let mut columns: Vec<Vec<CellRef>> = vec![Vec::new(); names.len()];
    let mut places = Vec::new();
    let mut rows_before = 0;
    let mut row_end = None;
    let mut empty = Examples::default();
    let mut total = None;
    loop {
        let mut scanner = Scanner::new(&block.bytes, layout.separator, layout.quote, comment);
        (scanner.line, scanner.ended, scanner.cell_bytes) = (line, block.ended, limits.cell_bytes);
        scanner.row_end = row_end;
        scanner.rows(names, &mut columns, &mut places)?;
        row_end = scanner.row_end;
        let (used, next_line) = (scanner.at, scanner.line);
        let text = utf8(block.bytes.get(..used).unwrap_or_default(), line, names, &columns, &places)?;
        let rows = places.len();
        if rows_before + rows as u64 > limits.rows {
            return Err(ReadError::Invalid(format!("expected at most {} rows, received more", limits.rows)));
        }
        add_empty_rows(&columns, &places, layout.separator, &mut empty);
        if rows > 0 {
            let chunk = Chunk {
                text,
                columns: &columns,
                rows,
                rows_before,
                places: &places,
                unit: "line",
                spelling: &spelling,
                names,
                quote: layout.quote.into(),
            };
            if sink(&chunk)?.is_break() {
                return Ok(reading);
            }
            if block.ended {
                total = total_row(&chunk);
            }
        }
        rows_before += rows as u64;
        line = next_line;
        columns.iter_mut().for_each(Vec::clear);
        places.clear();
        if block.ended {
            reading.warnings.extend(empty_rows(empty).into_iter().chain(total));
            return Ok(reading);
        }
        block.advance(used, line)?;
    }
}

fn has_line_end(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// The names of the columns: those of the first record, or `column_1` and so on for a file without a header; and the one that
/// has labels of the rows. `line` becomes the line of the first row.
fn header(
    block: &mut Block<'_>,
    layout: Layout,
    comment: Option<u8>,
    limits: &TableLimits,
    line: &mut u64,
) -> Result<(Vec<String>, Option<String>), ReadError> {
    let mut cells = Vec::new();
    loop {
        cells.clear();
        let mut scanner = Scanner::new(&block.bytes, layout.separator, layout.quote, comment);
        (scanner.line, scanner.ended, scanner.cell_bytes) = (*line, block.ended, limits.cell_bytes);
        scanner.skip_blank_lines();
        if scanner.at == scanner.bytes.len() && scanner.ended {
            return Err(ReadError::Invalid("expected a header line, received an empty file".into()));
        }
        let at = scanner.line;
        let complete = scanner.record(|cell| cells.push(cell)).map_err(|fault| fault.at(&[]))?;
        if !complete {
            block.advance(0, at)?;
            continue;
        }
        if cells.len() > limits.columns {
            let (max, received) = (limits.columns, cells.len());
            let hint = if has_line_end(&block.bytes) { String::new() } else { format!(" in one line; {LINE_ENDS}") };
            return Err(ReadError::Invalid(format!("expected at most {max} columns, received {received}{hint}")));
        }
        let (used, next_line) = (scanner.at, scanner.line);
        let text = utf8(block.bytes.get(..used).unwrap_or_default(), at, &[], &[], &[])?;
        if !layout.header {
            return Ok(((1..=cells.len()).map(|number| format!("column_{number}")).collect(), None));
        }
        let chunk = Chunk {
            text,
            columns: &[],
            rows: 1,
            rows_before: 0,
            places: &[],
            unit: "line",
            spelling: &Spelling::USUAL,
            names: &[],
            quote: layout.quote.into(),
        };
        let name = |&cell: &CellRef| match chunk.cell(cell) {
            Cell::Written { text, .. } => text.into_owned(),
            _ => String::new(),
        };
        let mut names: Vec<String> = cells.iter().map(name).collect();
        // `a,b,,` has separators too many: rows that have cells there are refused
        let named = names.iter().rposition(|name| !name.is_empty()).map_or(names.len(), |last| last + 1);
        // the line of a title has one cell and as many separators as the table below it
        if named > 1 || names.len() == 2 {
            names.truncate(named);
        }
        let label = row_labels(&mut names, layout.row_names);
        check_header(&names, at)?;
        block.advance(used, next_line)?;
        *line = next_line;
        return Ok((names, label));
    }
}

/// Names the column of labels of the rows, which pandas and R write in front without a name, R also without a cell in the header.
fn row_labels(names: &mut Vec<String>, is_left_out: bool) -> Option<String> {
    let free = |name: &str, names: &[String]| {
        let mut free = name.to_owned();
        while names.contains(&free) {
            free.push('_');
        }
        free
    };
    if is_left_out {
        let name = free("row_names", names);
        names.insert(0, name.clone());
        return Some(name);
    }
    let is_only = names.len() > 1 && names.iter().skip(1).all(|name| !name.is_empty());
    if is_only && names.first().is_some_and(String::is_empty) {
        let name = free("index", names);
        if let Some(first) = names.first_mut() {
            first.clone_from(&name);
        }
        return Some(name);
    }
    // an index that was written and read again
    names.first().filter(|first| is_only && first.starts_with("Unnamed: 0")).cloned()
}

/// Checks the names, with hints of what tools write.
fn check_header(names: &[String], line: u64) -> Result<(), ReadError> {
    let place = format!("line {line}");
    check_names(names, &place).map_err(|error| {
        let ReadError::Invalid(text) = error else { return error };
        let has_number = names.iter().any(|name| cell::number_in(name).is_some());
        let unnamed = names.iter().filter(|name| name.is_empty()).count();
        let hint = if has_number {
            "; if the file has no header line, send the option `header=false`".to_owned()
        } else if unnamed * 2 >= names.len() {
            format!("; if {place} is no part of the table, send the option `skip_rows={line}`")
        } else {
            String::new()
        };
        ReadError::Invalid(format!("{text}{hint}"))
    })
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
                Some(&(CellRef::Written(start, end) | CellRef::Quoted(start, end) | CellRef::Escaped(start, end))) => {
                    (start as usize..end as usize).contains(&at).then_some(name)
                }
                _ => None,
            })
        });
        let place = match column {
            Some(name) => format!("line {line}, column {name:?}"),
            None => format!("line {line}"),
        };
        ReadError::Invalid(format!(
            "{place}: expected UTF-8, received the byte 0x{received:02x}; if the file has another encoding, send the \
             option `encoding`, such as `encoding=windows-1252`"
        ))
    })
}

#[cfg(test)]
mod tests;
