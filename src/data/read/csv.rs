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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use crate::data::{
        read::{ReadError, TableLimits, inspect, load, rows},
        schema::{ColumnType, Format},
        table::{Cells, MISSING},
    };
    use rstest::rstest;
    use serde_json::json;
    use std::io::{BufReader, Read};

    const LIMITS: TableLimits = TableLimits { rows: 1_000_000, columns: 1000, cell_bytes: 100_000 };

    fn refusal(csv: &[u8]) -> String {
        match inspect(&mut &*csv, Format::Csv, &LIMITS) {
            Err(ReadError::Invalid(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn preview(csv: &str) -> Vec<serde_json::Value> {
        let columns = inspect(&mut csv.as_bytes(), Format::Csv, &LIMITS).unwrap().columns;
        rows(&mut csv.as_bytes(), Format::Csv, &columns, 100).unwrap()
    }

    #[test]
    fn quotes_line_ends_blanks_and_a_byte_order_mark() {
        let csv = "\u{feff}name, size ,\"a \"\"b\"\"\"\r\n\"x, y\", 1,\"two\nlines\"\r\n\r\n\"\"\"\",2 ,\n \"z,.5,NA";
        assert_eq!(
            preview(csv),
            [
                json!({"name": "x, y", "size": 1, "a \"b\"": "two\nlines"}),
                json!({"name": "\"", "size": 2, "a \"b\"": null}),
                json!({"name": "\"z", "size": 0.5, "a \"b\"": null}),
            ]
        );
    }

    #[rstest]
    #[case("a;b\n1;x,y\n", json!({"a": 1, "b": "x,y"}))]
    #[case("a\tb\n1\tx;y\n", json!({"a": 1, "b": "x;y"}))]
    #[case("a,b;c\n1,x\n", json!({"a": 1, "b;c": "x"}))]
    fn separators(#[case] csv: &str, #[case] record: serde_json::Value) {
        assert_eq!(preview(csv), [record]);
    }

    #[rstest]
    #[case(b"", "expected a header line, received an empty file")]
    #[case(b"\r\n\n", "expected a header line, received an empty file")]
    #[case(b"a,b\n", "expected at least one row, received none")]
    #[case(b"a,b\n1,2\n3\n", "line 3: expected 2 cells, received 1")]
    #[case(b"a,b\n\"1\n\n\",2\n3,4,5\n", "line 5: expected 2 cells, received 3")]
    #[case(b"a,b\n1,2\n3,\"x\n\n", "line 3, column \"b\": the quote that opens here is never closed")]
    #[case(
        b"a,b\n\"1\"2,3\n",
        "line 2, column \"a\": expected the end of the cell after its closing quote, received '2'"
    )]
    #[case(b"a,b\n1,2\n3,caf\xe9\n", "line 3, column \"b\": expected UTF-8, received the byte 0xe9")]
    #[case(b"a,\xff\n1,2\n", "line 1: expected UTF-8, received the byte 0xff")]
    #[case(b"a,,c\n1,2,3\n", "line 1, column 2: expected a name, received an empty one")]
    #[case(b"a,b,a\n1,2,3\n", "line 1, column 3: expected a name of its own, received \"a\" again")]
    #[case(
        b"a,b\n1,2\n3,1e308\n",
        "line 3, column \"b\": expected a finite number within ±3.4028235e38, received 1e308"
    )]
    #[case(b"a\n1\n1e400\n", "line 3, column \"a\": expected a finite number within ±3.4028235e38, received 1e400")]
    #[case(b"a\n-inf\n1\n", "line 2, column \"a\": expected a finite number within ±3.4028235e38, received -inf")]
    fn bad_files(#[case] csv: &[u8], #[case] text: &str) {
        assert_eq!(refusal(csv), text);
    }

    #[test]
    fn too_many_columns() {
        let csv = format!("{}\n", vec!["x"; 1_000_000].join(","));
        assert_eq!(refusal(csv.as_bytes()), "expected at most 1000 columns, received 1000000");
    }

    #[rstest]
    #[case("")]
    #[case("\"")]
    fn huge_cells_end_the_reading_early(#[case] quote: &str) {
        let mut taken = 0;
        let endless = format!("a,b\n1,2\n3,{quote}");
        let source = endless.as_bytes().chain(std::io::repeat(b'x')).take(1 << 30);
        let mut source = BufReader::new(CountingRead(source, &mut taken));
        let Err(ReadError::Invalid(text)) = inspect(&mut source, Format::Csv, &LIMITS) else {
            panic!("it is no table")
        };
        assert!(text.starts_with("line 3, column \"b\": expected a cell of at most 100000 bytes, received "), "{text}");
        assert_eq!(text.ends_with("is the quote that opens it ever closed?"), !quote.is_empty(), "{text}");
        assert!(taken < 2_000_000, "{taken} bytes were read");
    }

    struct CountingRead<'a, R>(R, &'a mut usize);

    impl<R: Read> Read for CountingRead<'_, R> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(buffer)?;
            *self.1 += read;
            Ok(read)
        }
    }

    #[test]
    fn too_many_rows() {
        let limits = TableLimits { rows: 2, ..LIMITS };
        let error = inspect(&mut "a\n1\n2\n3\n".as_bytes(), Format::Csv, &limits).unwrap_err();
        assert_eq!(error.to_string(), "expected at most 2 rows, received more");
    }

    #[test]
    fn types_levels_and_placeholders() {
        let csv = "number,class,yes,mixed,none\n1,+,True,5,\n?,-,?,x,\n3.0,,FALSE,05,\n1.0,-,true,true,\n";
        let columns = inspect(&mut csv.as_bytes(), Format::Csv, &LIMITS).unwrap().columns;
        let seen = |name: &str| {
            let column = columns.iter().find(|column| column.name == name).unwrap();
            let values = column.values.iter().flatten().map(|level| json!([level.value, level.count])).collect();
            (column.kind, column.missing, serde_json::Value::Array(values))
        };
        assert_eq!(seen("number"), (ColumnType::Number, 1, json!([[1, 2], [3, 1]])));
        assert_eq!(seen("class"), (ColumnType::Category, 1, json!([["+", 1], ["-", 2]])));
        assert_eq!(seen("yes"), (ColumnType::Boolean, 1, json!([[false, 1], [true, 2]])));
        assert_eq!(seen("mixed"), (ColumnType::Category, 0, json!([["05", 1], ["5", 1], ["true", 1], ["x", 1]])));
        assert_eq!(seen("none"), (ColumnType::Number, 4, json!([])));

        let wanted = ["mixed", "number", "yes", "class"].map(str::to_owned);
        let table = load(&mut csv.as_bytes(), Format::Csv, &columns, &wanted).unwrap();
        let cells: Vec<_> = table.columns.into_iter().map(|column| column.cells).collect();
        let levels = |levels: &[&str]| levels.iter().map(|level| (*level).to_owned()).collect::<Vec<_>>();
        assert_eq!(cells[0], Cells::Category { codes: vec![1, 3, 0, 2], levels: levels(&["05", "5", "true", "x"]) });
        assert!(matches!(&cells[1], Cells::Number(values) if values[1].is_nan() && values[2] == 3.0));
        assert_eq!(cells[2], Cells::Boolean(vec![Some(true), None, Some(false), Some(true)]));
        assert_eq!(cells[3], Cells::Category { codes: vec![0, 1, MISSING, 1], levels: levels(&["+", "-"]) });
    }

    #[test]
    fn rows_longer_than_a_block_and_cells_across_blocks() {
        let text = "é\"\n".repeat(20_000);
        let mut csv = "a,b\n".to_owned();
        for row in 0..40 {
            csv += &format!("{row},\"{}\"\n", text.replace('"', "\"\""));
        }
        let limits = TableLimits { cell_bytes: 1 << 20, ..LIMITS };
        let inspection = inspect(&mut csv.as_bytes(), Format::Csv, &limits).unwrap();
        assert_eq!(inspection.rows, 40);
        assert_eq!(inspection.columns[1].values.as_ref().unwrap()[0].value, json!(text));
        let pieces = BufReader::with_capacity(7, csv.as_bytes());
        let again = inspect(&mut { pieces }, Format::Csv, &limits).unwrap();
        assert_eq!(again, inspection);
    }
}
