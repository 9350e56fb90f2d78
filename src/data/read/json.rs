//! JSON tables, streamed: an array of records, `{"columns": [...], "data": [[...]]}` (pandas calls it `split`, and adds
//! an `index`, which is passed over), and one record a line (NDJSON).
//!
//! A key that a record does not have is a missing cell, and so is null. A key that appears first in a later record makes
//! a column whose earlier cells are missing.

use super::{
    BLOCK_BYTES, RECORD_BYTES, ReadError, TableLimits, check_names,
    chunk::{CellRef, Chunk, Sink},
};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{
    collections::HashMap,
    fmt,
    io::{BufRead, BufReader, Read},
};

/// Cells after which a chunk is handed on, whatever their text.
const CHUNK_CELLS: usize = 1 << 16;

/// Reads an array of records, or columns with data; returns the names.
pub(super) fn read(
    source: &mut dyn BufRead,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut table = Table::new(limits, sink, "record");
    let guard = StringGuard { source, most: limits.cell_bytes, length: None, escaped: false, line: 1 };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, guard));
    let parsed = Document(&mut table).deserialize(&mut json).and_then(|()| json.end());
    table.settle(parsed, |error| match error.classify() {
        serde_json::error::Category::Io => ReadError::from_guard(error.into()),
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

/// Rows that were read but not handed on yet.
struct Table<'a, 's> {
    limits: &'a TableLimits,
    sink: &'a mut Sink<'s>,
    unit: &'static str,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
    text: String,
    columns: Vec<Vec<CellRef>>,
    places: Vec<u64>,
    rows_before: u64,
    /// Of the record being read.
    place: u64,
    /// What ended the reading while it looked like a parser's error.
    ended: Option<Result<(), ReadError>>,
}

/// The text of an error whose reason is in [`Table::ended`].
const ENDED: &str = "ended";

impl<'a, 's> Table<'a, 's> {
    fn new(limits: &'a TableLimits, sink: &'a mut Sink<'s>, unit: &'static str) -> Self {
        Self {
            limits,
            sink,
            unit,
            names: Vec::new(),
            by_name: HashMap::new(),
            text: String::new(),
            columns: Vec::new(),
            places: Vec::new(),
            rows_before: 0,
            place: 1,
            ended: None,
        }
    }

    /// Hands on what is left and ends.
    fn settle(
        mut self,
        parsed: serde_json::Result<()>,
        describe: impl FnOnce(serde_json::Error) -> ReadError,
    ) -> Result<Vec<String>, ReadError> {
        match (self.ended.take(), parsed) {
            (Some(Err(error)), _) => return Err(error),
            (Some(Ok(())), _) => return Ok(self.names),
            (None, Err(error)) => return Err(describe(error)),
            (None, Ok(())) => {}
        }
        let _ = self.hand_on();
        self.ended.take().unwrap_or(Ok(()))?;
        if self.rows_before > 0 {
            check_names(&self.names, "the first record")?;
        }
        Ok(self.names)
    }

    fn end<E: serde::de::Error>(&mut self, reason: Result<(), ReadError>) -> E {
        self.ended = Some(reason);
        E::custom(ENDED)
    }

    fn refuse<E: serde::de::Error>(&mut self, detail: &str) -> E {
        let text = format!("{} {}: {detail}", self.unit, self.place);
        self.end(Err(ReadError::Invalid(text)))
    }

    /// The column named so; a new one where there is none. `hint` is where it is in a record like the one before.
    fn column<E: serde::de::Error>(&mut self, name: &str, hint: usize) -> Result<usize, E> {
        if self.names.get(hint).is_some_and(|known| known == name) {
            return Ok(hint);
        }
        if let Some(&column) = self.by_name.get(name) {
            return Ok(column);
        }
        let column = self.names.len();
        if column == self.limits.columns {
            let most = self.limits.columns;
            return Err(self.refuse(&format!("expected at most {most} columns, received more")));
        }
        self.by_name.insert(name.to_owned(), column);
        self.names.push(name.to_owned());
        self.columns.push(vec![CellRef::Missing; self.places.len()]);
        Ok(column)
    }

    fn push<E: serde::de::Error>(&mut self, column: usize, cell: CellRef) -> Result<(), E> {
        let rows = self.places.len();
        match self.columns.get_mut(column) {
            Some(cells) if cells.len() == rows => {
                cells.push(cell);
                Ok(())
            }
            // too many cells in a row: its end tells how many
            None => Ok(()),
            Some(_) => {
                let name = self.names.get(column).cloned().unwrap_or_default();
                Err(self.refuse(&format!("expected each column once, received {name:?} twice")))
            }
        }
    }

    /// Ends a row, and a chunk where it is large enough.
    fn end_row<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.places.push(self.place);
        self.place += 1;
        let rows = self.places.len();
        for cells in &mut self.columns {
            cells.resize(rows, CellRef::Missing);
        }
        if self.rows_before + rows as u64 > self.limits.rows {
            let most = self.limits.rows;
            return Err(self.refuse(&format!("expected at most {most} rows, received more")));
        }
        if self.text.len() >= BLOCK_BYTES || rows * self.columns.len().max(1) >= CHUNK_CELLS {
            return self.hand_on().map_err(|()| E::custom(ENDED));
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), ()> {
        let rows = self.places.len();
        let chunk = Chunk {
            text: &self.text,
            columns: &self.columns,
            rows,
            rows_before: self.rows_before,
            places: &self.places,
            unit: self.unit,
        };
        if rows > 0 {
            match (self.sink)(&chunk) {
                Ok(flow) if flow.is_continue() => {}
                Ok(_) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
            }
        }
        self.rows_before += rows as u64;
        self.columns.iter_mut().for_each(Vec::clear);
        self.places.clear();
        self.text.clear();
        if self.ended.is_some() { Err(()) } else { Ok(()) }
    }
}

/// The whole file.
struct Document<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records, or an object with `columns` and `data`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while records.next_element_seed(Record(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut columns, mut data) = (None::<Vec<String>>, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "columns" if columns.is_none() => {
                    let names = map.next_value_seed(Names(self.0))?;
                    if !self.0.names.is_empty() && self.0.names.len() != names.len() {
                        let received = self.0.names.len();
                        let expected = names.len();
                        let detail = format!("expected {expected} cells a row as in `columns`, received {received}");
                        return Err(A::Error::custom(detail));
                    }
                    self.0.names.clone_from(&names);
                    self.0.columns.resize(names.len(), Vec::new());
                    columns = Some(names);
                }
                "data" if !data => {
                    map.next_value_seed(Rows(self.0))?;
                    data = true;
                }
                "index" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => return Err(A::Error::unknown_field(&key, &["columns", "data"])),
            }
        }
        if columns.is_none() {
            return Err(A::Error::missing_field("columns"));
        }
        if !data {
            return Err(A::Error::missing_field("data"));
        }
        Ok(())
    }
}

/// The array of column names.
struct Names<'t, 'a, 's>(&'t Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Names<'_, '_, '_> {
    type Value = Vec<String>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Names<'_, '_, '_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of column names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let most = self.0.limits.columns;
        let mut names = Vec::new();
        while let Some(name) = seq.next_element::<String>()? {
            if names.len() == most {
                return Err(A::Error::custom(format!("expected at most {most} columns, received more")));
            }
            names.push(name);
        }
        Ok(names)
    }
}

/// The array of rows beside `columns`.
struct Rows<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {}
        Ok(())
    }
}

/// One row beside `columns`: an array of cells.
struct Row<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Row<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row (an array of cells)")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let table = self.0;
        let first = table.rows_before == 0 && table.places.is_empty() && table.names.is_empty();
        let mut received = 0;
        loop {
            if first && received == table.columns.len() && received < table.limits.columns {
                table.columns.push(Vec::new());
                table.names.push(String::new());
            }
            if cells.next_element_seed(CellSeed { table, column: received })?.is_none() {
                break;
            }
            received += 1;
        }
        if first {
            table.columns.truncate(received);
            table.names.truncate(received);
        }
        let expected = table.columns.len();
        if received != expected {
            return Err(table.refuse(&format!("expected {expected} cells, received {received}")));
        }
        table.end_row()
    }
}

/// One record: an object of cells by column name.
struct Record<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Record<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record (an object of cells by column name)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let table = self.0;
        let mut hint = 0;
        while let Some(column) = map.next_key_seed(Key { table, hint })? {
            map.next_value_seed(CellSeed { table, column })?;
            hint = column + 1;
        }
        table.end_row()
    }
}

/// A record's key: the index of its column.
struct Key<'t, 'a, 's> {
    table: &'t mut Table<'a, 's>,
    hint: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        self.table.column(name, self.hint)
    }
}

/// One cell.
struct CellSeed<'t, 'a, 's> {
    table: &'t mut Table<'a, 's>,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, text, true, false or null")?;
        match self.table.names.get(self.column) {
            Some(name) if !name.is_empty() => write!(f, " in column {name:?}"),
            _ => Ok(()),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.table.push(self.column, CellRef::Missing)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.table.push(self.column, CellRef::Boolean(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.table.push(self.column, CellRef::Number(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        let most = self.table.limits.cell_bytes;
        if value.len() > most {
            let received = value.len();
            return Err(self.table.refuse(&format!("expected a cell of at most {most} bytes, received {received}")));
        }
        let start = self.table.text.len() as u32;
        self.table.text.push_str(value);
        let end = self.table.text.len() as u32;
        self.table.push(self.column, CellRef::Text(start, end))
    }
}

/// Ends the reading at a string that is longer than a cell may be, before the parser takes memory for it.
struct StringGuard<'a> {
    source: &'a mut dyn BufRead,
    most: usize,
    /// Bytes of the string that is open.
    length: Option<usize>,
    escaped: bool,
    line: u64,
}

/// What [`StringGuard`] says, on its way through `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TooLong(String);

impl ReadError {
    fn from_guard(error: std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<TooLong>()) {
            Some(TooLong(text)) => Self::Invalid(text.clone()),
            None => Self::Io(error),
        }
    }
}

impl Read for StringGuard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        for &byte in buffer.iter().take(read) {
            self.line += u64::from(byte == b'\n');
            match self.length {
                None if byte == b'"' => self.length = Some(0),
                None => {}
                Some(_) if self.escaped => self.escaped = false,
                Some(_) if byte == b'"' => self.length = None,
                Some(length) => {
                    self.escaped = byte == b'\\';
                    self.length = Some(length + 1);
                    // an escaped character takes up to six bytes for one
                    if length / 6 > self.most {
                        let (line, most) = (self.line, self.most);
                        let text = format!("line {line}: expected a cell of at most {most} bytes, received more");
                        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, TooLong(text)));
                    }
                }
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use crate::data::{
        read::{ReadError, TableLimits, inspect, load, rows},
        schema::{ColumnType, Format},
        table::Cells,
    };
    use rstest::rstest;
    use serde_json::json;
    use std::io::{BufReader, Read};

    const LIMITS: TableLimits = TableLimits { rows: 1_000_000, columns: 4, cell_bytes: 1000 };

    fn refusal(text: &str, format: Format) -> String {
        match inspect(&mut text.as_bytes(), format, &LIMITS) {
            Err(ReadError::Invalid(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case(Format::Json, r#"[{"a": 1, "b": "5"}, {"b": null, "c": true}, {"c": false, "a": 2.5}]"#)]
    #[case(
        Format::Json,
        r#"{"columns": ["a", "b", "c"], "data": [[1, "5", null], [null, null, true], [2.5, null, false]]}"#
    )]
    #[case(
        Format::Json,
        r#"{"index": [0, 1, 2], "data": [[1, "5", null], [null, null, true], [2.5, null, false]], "columns": ["a", "b", "c"]}"#
    )]
    #[case(Format::Ndjson, "{\"a\": 1, \"b\": \"5\"}\n\n{\"b\": null, \"c\": true}\r\n{\"c\": false, \"a\": 2.5}")]
    fn every_form_is_the_same_table(#[case] format: Format, #[case] text: &str) {
        let inspection = inspect(&mut text.as_bytes(), format, &LIMITS).unwrap();
        assert_eq!(inspection.rows, 3);
        let kinds: Vec<_> =
            inspection.columns.iter().map(|column| (column.name.as_str(), column.kind, column.missing)).collect();
        assert_eq!(
            kinds,
            [("a", ColumnType::Number, 1), ("b", ColumnType::Category, 2), ("c", ColumnType::Boolean, 1)]
        );
        assert_eq!(
            rows(&mut text.as_bytes(), format, &inspection.columns, 2).unwrap(),
            [json!({"a": 1, "b": "5", "c": null}), json!({"a": null, "b": null, "c": true})]
        );
        let table = load(&mut text.as_bytes(), format, &inspection.columns, &["c".into(), "b".into()]).unwrap();
        assert_eq!(table.columns[0].cells, Cells::Boolean(vec![None, Some(true), Some(false)]));
    }

    #[rstest]
    #[case("", "expected a JSON table: EOF while parsing a value at line 1 column 0")]
    #[case("[]", "expected at least one row, received none")]
    #[case("[{}]", "expected at least one column, received none")]
    #[case(
        "7",
        "expected a JSON table: invalid type: integer `7`, expected an array of records, or an object with `columns` and `data` at line 1 column 1"
    )]
    #[case(
        "[[1]]",
        "expected a JSON table: invalid type: sequence, expected a record (an object of cells by column name) at line 1 column 2"
    )]
    #[case(
        "[{\"a\": 1},\n {\"a\": [2]}]",
        "expected a JSON table: invalid type: sequence, expected a number, text, true, false or null in column \"a\" at line 2 column 9"
    )]
    #[case("[{\"a\": 1}, {\"a\"", "expected a JSON table: EOF while parsing an object at line 1 column 15")]
    #[case("[{\"a\": NaN}]", "expected a JSON table: expected value at line 1 column 8")]
    #[case("[{\"a\": 1e400}]", "expected a JSON table: number out of range at line 1 column 13")]
    #[case(
        "[{\"a\": 1}, {\"a\": 1e308}]",
        "record 2, column \"a\": expected a finite number within ±3.4028235e38, received 1e308"
    )]
    #[case("[{\"a\": 1, \"a\": 2}]", "record 1: expected each column once, received \"a\" twice")]
    #[case("[{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}]", "record 1: expected at most 4 columns, received more")]
    #[case("[{\"\": 1}]", "the first record, column 1: expected a name, received an empty one")]
    #[case(
        "{\"columns\": [\"a\", \"a\"], \"data\": [[1, 2]]}",
        "the first record, column 2: expected a name of its own, received \"a\" again"
    )]
    #[case("{\"columns\": [\"a\", \"b\"], \"data\": [[1, 2], [3]]}", "record 2: expected 2 cells, received 1")]
    #[case("{\"columns\": [\"a\"], \"data\": [[1, 2]]}", "record 1: expected 1 cells, received 2")]
    #[case(
        "{\"data\": [[1, 2]], \"columns\": [\"a\"]}",
        "expected a JSON table: expected 1 cells a row as in `columns`, received 2 at line 1 column 36"
    )]
    fn bad_files(#[case] json: &str, #[case] text: &str) {
        assert_eq!(refusal(json, Format::Json), text);
    }

    #[rstest]
    #[case("{\"a\": 1}\n{\"a\": 1} 2", "line 2: expected a JSON record: trailing characters at character 10")]
    #[case(
        "{\"a\": 1}\n\n[2]",
        "line 3: expected a JSON record: invalid type: sequence, expected a record (an object of cells by column name) at character 0"
    )]
    #[case(
        "{\"a\": 1}\n{\"a\": -1e39}",
        "line 2, column \"a\": expected a finite number within ±3.4028235e38, received -1e39"
    )]
    fn bad_lines(#[case] json: &str, #[case] text: &str) {
        assert_eq!(refusal(json, Format::Ndjson), text);
    }

    #[rstest]
    #[case(Format::Json, "[")]
    #[case(Format::Json, "[{\"a\":")]
    #[case(Format::Ndjson, "{\"a\":")]
    fn deep_nesting_is_refused(#[case] format: Format, #[case] level: &str) {
        let text = refusal(&level.repeat(100_000), format);
        assert!(text.contains("expected a"), "{text}");
    }

    #[test]
    fn an_endless_string_takes_no_memory() {
        let source = b"[{\"a\": 1},\n{\"a\": \"".chain(std::io::repeat(b'x')).take(1 << 30);
        let error = inspect(&mut BufReader::new(source), Format::Json, &LIMITS).unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected a cell of at most 1000 bytes, received more");
    }

    #[test]
    fn numbers_in_a_text_column_are_levels() {
        let text = r#"[{"a": 5}, {"a": "x"}, {"a": 5.0}, {"a": true}, {"a": 0.5}]"#;
        let column = inspect(&mut text.as_bytes(), Format::Json, &LIMITS).unwrap().columns.remove(0);
        assert_eq!(column.levels().unwrap(), ["0.5", "5", "true", "x"]);
    }

    #[test]
    fn many_rows_take_many_chunks() {
        let records: Vec<_> = (0..200_000).map(|row| format!("{{\"a\":{row},\"b\":{}}}", row % 7)).collect();
        let text = format!("[{}]", records.join(","));
        let inspection = inspect(&mut text.as_bytes(), Format::Json, &LIMITS).unwrap();
        let [a, b] = inspection.columns.as_slice() else { panic!("two columns") };
        assert_eq!((inspection.rows, a.max, b.distinct), (200_000, Some(199_999.0), 7));
        assert!((a.distinct as f64 / 200_000.0 - 1.0).abs() < 0.02, "{}", a.distinct);
        let lines = inspect(&mut records.join("\n").as_bytes(), Format::Ndjson, &LIMITS).unwrap();
        assert_eq!(lines, inspection);
    }
}
