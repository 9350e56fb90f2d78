//! Comma-separated values: RFC 4180 with a header line. Where the header has no comma, semicolons or tabs separate.
//!
//! Blanks around an unquoted cell are no part of it, and blank lines are no rows. A quote opens a quoted cell only at the
//! cell's start; elsewhere it is a character.

use super::{
    BLOCK_BYTES, RECORD_BYTES, ReadError, TableLimits, check_names,
    chunk::{CellRef, Chunk, Sink},
};
use std::io::{BufRead, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the file chunk by chunk and returns the header's names.
pub(super) fn read(
    source: &mut dyn BufRead,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut block = Block { source, bytes: Vec::with_capacity(BLOCK_BYTES), wanted: BLOCK_BYTES, ended: false };
    block.fill()?;
    if block.bytes.starts_with(BYTE_ORDER_MARK) {
        block.bytes.drain(..BYTE_ORDER_MARK.len());
    }
    let delimiter = delimiter(&block.bytes);
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
        if self.bytes.len() >= RECORD_BYTES {
            return Err(ReadError::Invalid(format!(
                "line {line}: expected a record of at most {RECORD_BYTES} bytes, received more"
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
                    super::cell::Cell::Written(name) => name.into_owned(),
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

/// What is wrong within a record.
struct Fault {
    line: u64,
    column: usize,
    detail: String,
}

impl Fault {
    fn at(self, names: &[String]) -> ReadError {
        let Self { line, column, detail } = self;
        ReadError::Invalid(match names.get(column) {
            Some(name) => format!("line {line}, column {name:?}: {detail}"),
            None => format!("line {line}, column {}: {detail}", column + 1),
        })
    }
}

/// What follows a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Cell,
    Record,
}

/// Cuts bytes into cells.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    delimiter: u8,
    /// Whether the file ends where the bytes end.
    ended: bool,
    cell_bytes: usize,
}

impl Scanner<'_> {
    /// Every complete row from here on; stops before an incomplete one.
    fn rows(&mut self, names: &[String], columns: &mut [Vec<CellRef>], places: &mut Vec<u64>) -> Result<(), ReadError> {
        loop {
            self.skip_blank_lines();
            if self.at == self.bytes.len() {
                return Ok(());
            }
            let (start, line) = (self.at, self.line);
            let mut received = 0;
            let complete = self
                .record(|cell| {
                    if let Some(cells) = columns.get_mut(received) {
                        cells.push(cell);
                    }
                    received += 1;
                })
                .map_err(|fault| fault.at(names))?;
            if !complete {
                columns.iter_mut().for_each(|cells| cells.truncate(places.len()));
                (self.at, self.line) = (start, line);
                return Ok(());
            }
            if received != names.len() {
                let expected = names.len();
                return Err(ReadError::Invalid(format!("line {line}: expected {expected} cells, received {received}")));
            }
            places.push(line);
        }
    }

    fn skip_blank_lines(&mut self) {
        loop {
            self.at += match self.bytes.get(self.at..) {
                Some([b'\n', ..]) => 1,
                Some([b'\r', b'\n', ..]) => 2,
                _ => return,
            };
            self.line += 1;
        }
    }

    /// One record; false where the bytes end before it does.
    fn record(&mut self, mut push: impl FnMut(CellRef)) -> Result<bool, Fault> {
        let mut column = 0;
        loop {
            match self.cell(column)? {
                None => return Ok(false),
                Some((cell, after)) => {
                    push(cell);
                    if after == After::Record {
                        return Ok(true);
                    }
                }
            }
            column += 1;
        }
    }

    #[inline]
    fn cell(&mut self, column: usize) -> Result<Option<(CellRef, After)>, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.first() == Some(&b'"') {
            return self.quoted(rest, column);
        }
        let delimiter = self.delimiter;
        let (length, used, after) = match rest.iter().position(|&byte| byte == delimiter || byte == b'\n') {
            Some(length) if rest.get(length) == Some(&delimiter) => (length, length + 1, After::Cell),
            Some(length) => (length, length + 1, After::Record),
            None if self.ended => (rest.len(), rest.len(), After::Record),
            None => return self.incomplete(rest.len(), column, ""),
        };
        let text = rest.get(..length).unwrap_or_default();
        let trimmed = text.trim_ascii_start();
        let start = self.at + length - trimmed.len();
        let cell = CellRef::Written(start as u32, (start + trimmed.trim_ascii_end().len()) as u32);
        self.within_limit(length, column, "")?;
        if after == After::Record && used > length {
            self.line += 1;
        }
        self.at += used;
        Ok(Some((cell, after)))
    }

    /// A cell that starts with a quote: to the next quote that is not doubled.
    fn quoted(&mut self, rest: &[u8], column: usize) -> Result<Option<(CellRef, After)>, Fault> {
        let opened = self.line;
        let fault = |detail: String| Fault { line: opened, column, detail };
        let mut end = 1;
        let mut doubled = false;
        loop {
            let unquoted = rest.get(end..).unwrap_or_default();
            match unquoted.iter().position(|&byte| byte == b'"') {
                Some(length) if unquoted.get(length + 1) == Some(&b'"') => {
                    doubled = true;
                    end += length + 2;
                }
                // the next block may start with the quote's double
                Some(length) if !self.ended && unquoted.len() == length + 1 => {
                    return self.incomplete(rest.len(), column, "");
                }
                Some(length) => {
                    end += length;
                    break;
                }
                None if self.ended => {
                    return Err(fault("the quote that opens here is never closed".into()));
                }
                None => {
                    return self.incomplete(rest.len(), column, "; is the quote that opens it ever closed?");
                }
            }
        }
        let content = rest.get(1..end).unwrap_or_default();
        self.within_limit(content.len(), column, "")?;
        let behind = rest.get(end + 1..).unwrap_or_default();
        let blanks = behind.iter().take_while(|&&byte| byte == b' ').count();
        let (used, after) = match behind.get(blanks..).unwrap_or_default() {
            [byte, ..] if *byte == self.delimiter => (blanks + 1, After::Cell),
            [b'\n', ..] => (blanks + 1, After::Record),
            [b'\r', b'\n', ..] => (blanks + 2, After::Record),
            [] | [b'\r'] if self.ended => (behind.len(), After::Record),
            [] | [b'\r'] => return self.incomplete(rest.len(), column, ""),
            [received, ..] => {
                let received = char::from(*received);
                return Err(fault(format!(
                    "expected the end of the cell after its closing quote, received {received:?}"
                )));
            }
        };
        let lines = content.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.line += lines + u64::from(after == After::Record && used > blanks);
        let (start, stop) = ((self.at + 1) as u32, (self.at + end) as u32);
        self.at += end + 1 + used;
        let cell = if doubled { CellRef::Escaped(start, stop) } else { CellRef::Written(start, stop) };
        Ok(Some((cell, after)))
    }

    /// More bytes are needed, unless the cell is already too long.
    fn incomplete(&self, length: usize, column: usize, hint: &str) -> Result<Option<(CellRef, After)>, Fault> {
        self.within_limit(length, column, hint)?;
        Ok(None)
    }

    fn within_limit(&self, length: usize, column: usize, hint: &str) -> Result<(), Fault> {
        let most = self.cell_bytes;
        if length <= most {
            return Ok(());
        }
        let detail = format!("expected a cell of at most {most} bytes, received {length} or more{hint}");
        Err(Fault { line: self.line, column, detail })
    }
}
