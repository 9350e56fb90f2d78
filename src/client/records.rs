//! Rows of a file for prediction: read a batch at a time, as records of the features that a model knows.

use super::{failure::Failure, output::clean};
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{
    fmt,
    io::{BufRead, BufReader, Read},
};

/// Rows of a batch, and bytes after which it is full.
const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: usize = 2 << 20;

/// How much is read to recognize a format.
const PEEK_BYTES: usize = 1 << 16;

/// Separators that a header may have.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Cells separated by commas (or what the file has)
    Csv,
    /// Cells separated by tabs
    Tsv,
    /// An array of records, or of lists
    Json,
    /// A record a line
    Ndjson,
}

impl Format {
    /// By a file's name.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" | "txt" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// By a file's first bytes.
    pub fn of_start(start: &[u8]) -> Self {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Self::Json,
            Some(b'{') => {
                // An object that goes on after its first line is one document; otherwise each line is one.
                let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
                if serde_json::from_slice::<Value>(line).is_ok_and(|line| line.get("instances").is_none()) {
                    Self::Ndjson
                } else {
                    Self::Json
                }
            }
            _ => Self::Csv,
        }
    }
}

/// What the model expects, and how its dataset was written.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The features with their types, in the order of training.
    pub features: Vec<(String, String)>,
    /// `read` of the dataset that the model was trained on.
    pub read: Value,
}

/// One row: what the model is asked, and what the file had.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// For the request.
    pub instance: Value,
    /// The cells, or the record.
    pub original: Original,
}

/// A row as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Original {
    /// Of a table.
    Cells(Vec<String>),
    /// Of JSON.
    Json(Value),
}

/// What a file consists of, in order.
#[derive(Debug)]
pub enum Part {
    /// The names of a table's columns, once and first.
    Header(Vec<String>),
    /// Some rows; the first one is `first`, counted from 1.
    Rows { first: usize, rows: Vec<Row> },
}

/// Reads `source` and passes its parts to `sink`, which returns false to stop.
pub fn read(
    source: impl Read,
    format: Option<Format>,
    expected: &Expected,
    sink: &mut dyn FnMut(Part) -> bool,
) -> Result<(), Failure> {
    let mut source = BufReader::with_capacity(PEEK_BYTES, source);
    let start = source.fill_buf().map_err(|error| Failure::Error(format!("cannot read the rows: {error}")))?;
    let format = format.unwrap_or_else(|| Format::of_start(start));
    let mut batches = Batches { sink, rows: Vec::new(), bytes: 0, read: 0 };
    match format {
        Format::Csv | Format::Tsv => {
            let separator = if format == Format::Tsv { b'\t' } else { separator(start, expected) };
            read_table(source, separator, expected, &mut batches)?;
        }
        Format::Ndjson => read_lines(source, expected, &mut batches)?,
        Format::Json => read_json(source, expected, &mut batches)?,
    }
    batches.flush();
    if batches.read == 0 {
        return Err(Failure::Error("expected rows to predict, received none".to_owned()));
    }
    Ok(())
}

/// Collects rows until a batch is full.
struct Batches<'a> {
    sink: &'a mut dyn FnMut(Part) -> bool,
    rows: Vec<Row>,
    bytes: usize,
    read: usize,
}

impl Batches<'_> {
    fn push(&mut self, row: Row, bytes: usize) -> bool {
        self.rows.push(row);
        self.read += 1;
        self.bytes += bytes;
        self.rows.len() < BATCH_ROWS && self.bytes < BATCH_BYTES || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        rows.is_empty() || (self.sink)(Part::Rows { first: self.read - rows.len() + 1, rows })
    }
}

/// The separator that splits the first line into the most features.
fn separator(start: &[u8], expected: &Expected) -> u8 {
    let own = expected.read["separator"].as_str().and_then(|text| text.bytes().next());
    let count = |separator: u8| {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(start);
        let header = reader.records().next().and_then(Result::ok).unwrap_or_default();
        let features =
            header.iter().filter(|name| expected.features.iter().any(|(known, _)| known == name.trim())).count();
        (features, header.len())
    };
    own.into_iter().chain(SEPARATORS).rev_max_by_key(count).unwrap_or(b',')
}

trait RevMaxByKey: Iterator + Sized {
    /// As `max_by_key`, but the first of equals.
    fn rev_max_by_key<K: Ord>(self, mut key: impl FnMut(Self::Item) -> K) -> Option<Self::Item>
    where
        Self::Item: Copy,
    {
        let mut best: Option<(K, Self::Item)> = None;
        for item in self {
            let rank = key(item);
            if best.as_ref().is_none_or(|(known, _)| rank > *known) {
                best = Some((rank, item));
            }
        }
        best.map(|(_, item)| item)
    }
}

impl<I: Iterator> RevMaxByKey for I {}

fn read_table(source: impl Read, separator: u8, expected: &Expected, batches: &mut Batches<'_>) -> Result<(), Failure> {
    let has_header = expected.read["header"].as_bool().unwrap_or(true);
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).has_headers(has_header).from_reader(source);
    let header: Vec<String> = if has_header {
        let header = reader.headers().map_err(|error| of_csv(&error))?;
        header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect()
    } else {
        (1..=expected.features.len() + 1).map(|number| format!("column_{number}")).collect()
    };
    let cells = CellReader::new(&expected.read);
    let known: Vec<Option<&str>> = header
        .iter()
        .map(|name| expected.features.iter().find(|(known, _)| known == name).map(|(_, kind)| kind.as_str()))
        .collect();
    if known.iter().all(Option::is_none) {
        let features: Vec<String> = expected.features.iter().take(10).map(|(name, _)| clean(name)).collect();
        let (header, features) = (clean(&header.join(", ")), features.join(", "));
        return Err(Failure::Error(format!(
            "no column is a feature of the model\n  columns:   {header}\n  features:  {features}"
        )));
    }
    if !(batches.sink)(Part::Header(header.clone())) {
        return Ok(());
    }
    for record in reader.into_records() {
        let record = record.map_err(|error| of_csv(&error))?;
        let mut instance = Map::new();
        for ((name, kind), cell) in header.iter().zip(&known).zip(record.iter()) {
            if let Some(kind) = kind {
                instance.insert(name.clone(), cells.value(cell, kind));
            }
        }
        let original = Original::Cells(record.iter().map(str::to_owned).collect());
        if !batches.push(Row { instance: Value::Object(instance), original }, record.as_slice().len()) {
            return Ok(());
        }
    }
    Ok(())
}

fn of_csv(error: &csv::Error) -> Failure {
    let line = error.position().map(|position| format!("line {}: ", position.line())).unwrap_or_default();
    Failure::Error(match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{line}expected {expected_len} cells as in the header, received {len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("{line}expected UTF-8"),
        csv::ErrorKind::Io(error) => format!("cannot read the rows: {error}"),
        other => format!("{line}not CSV: {other:?}"),
    })
}

/// Turns cells into JSON as the dataset's own cells were read.
struct CellReader {
    missing: Vec<String>,
    decimal: Option<char>,
    thousands: Option<char>,
}

impl CellReader {
    fn new(read: &Value) -> Self {
        let tokens = read["missing"]
            .as_array()
            .map(|tokens| tokens.iter().filter_map(|token| token.as_str().map(str::to_owned)));
        let character = |name: &str| read[name].as_str().and_then(|text| text.chars().next());
        let missing = tokens.map_or_else(|| vec![String::new(), "NA".to_owned(), "NaN".to_owned()], Iterator::collect);
        Self { missing, decimal: character("decimal"), thousands: character("thousands") }
    }

    /// What is not of the column's type stays text: the service says what is wrong with it.
    fn value(&self, cell: &str, kind: &str) -> Value {
        let trimmed = cell.trim();
        if self.missing.iter().any(|token| token == trimmed) {
            return Value::Null;
        }
        match kind {
            "number" => self.number(trimmed).map_or_else(|| cell.into(), Value::Number),
            "boolean" if trimmed.eq_ignore_ascii_case("true") => true.into(),
            "boolean" if trimmed.eq_ignore_ascii_case("false") => false.into(),
            _ => cell.into(),
        }
    }

    fn number(&self, cell: &str) -> Option<Number> {
        let mut text = cell.to_owned();
        if let Some(thousands) = self.thousands {
            text = text.replace(thousands, "");
        }
        if let Some(decimal) = self.decimal.filter(|decimal| *decimal != '.') {
            text = text.replace(decimal, ".");
        }
        Number::from_f64(text.parse().ok()?)
    }
}

fn read_lines(source: impl BufRead, expected: &Expected, batches: &mut Batches<'_>) -> Result<(), Failure> {
    for (index, line) in source.lines().enumerate() {
        let line = line.map_err(|error| Failure::Error(format!("line {}: {error}", index + 1)))?;
        let text = line.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let record = serde_json::from_str(text)
            .map_err(|error| Failure::Error(format!("line {}: expected a record in JSON: {error}", index + 1)))?;
        if !batches.push(row(record, expected), line.len()) {
            break;
        }
    }
    Ok(())
}

/// An array, or an object with an array `instances`.
fn read_json(mut source: impl BufRead, expected: &Expected, batches: &mut Batches<'_>) -> Result<(), Failure> {
    let failed = |error: serde_json::Error| Failure::Error(format!("expected an array of records in JSON: {error}"));
    let start = source.fill_buf().map_err(|error| Failure::Error(format!("cannot read the rows: {error}")))?;
    if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let mut document: Value = serde_json::from_reader(source).map_err(failed)?;
        let Value::Array(records) = document["instances"].take() else {
            batches.push(row(document, expected), 0);
            return Ok(());
        };
        let _ = records.into_iter().all(|record| batches.push(row(record, expected), 64));
        return Ok(());
    }
    let mut reader = serde_json::Deserializer::from_reader(source);
    reader.deserialize_seq(Elements { expected, batches }).map_err(failed)?;
    reader.end().map_err(failed)
}

/// Passes on the elements of an array while they are read.
struct Elements<'a, 'b> {
    expected: &'a Expected,
    batches: &'a mut Batches<'b>,
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records or lists")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut is_wanted = true;
        while let Some(record) = elements.next_element::<Value>()? {
            is_wanted = is_wanted && self.batches.push(row(record, self.expected), 64);
        }
        Ok(())
    }
}

/// Fields that are not features are kept from the request.
fn row(record: Value, expected: &Expected) -> Row {
    let instance = match &record {
        Value::Object(fields) => {
            let is_feature = |name: &str| expected.features.iter().any(|(known, _)| known == name);
            let fields = fields.iter().filter(|(name, _)| is_feature(name));
            Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    };
    Row { instance, original: Original::Json(record) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Expected {
        let features = [("a", "number"), ("b", "category"), ("c", "boolean")];
        let features = features.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        Expected { features: features.into(), read: json!({"separator": ",", "missing": ["", "NA"]}) }
    }

    fn instances(text: &str, expected: &Expected) -> Result<Vec<Value>, Failure> {
        let mut found = Vec::new();
        read(text.as_bytes(), None, expected, &mut |part| {
            if let Part::Rows { rows, .. } = part {
                found.extend(rows.into_iter().map(|row| row.instance));
            }
            true
        })?;
        Ok(found)
    }

    #[test]
    fn every_format_gives_the_same_records() {
        let records = vec![json!({"a": 1.5, "b": "x, y", "c": true}), json!({"a": null, "b": "NB", "c": "maybe"})];
        for text in [
            "a,b,c,other\n1.5,\"x, y\",TRUE,9\nNA,NB,maybe,\n",
            "\u{feff}a;b;c\r\n1.5;x, y;true\r\n;NB;maybe\r\n",
            "c\ta\tb\ntrue\t1.5\tx, y\nmaybe\t\tNB",
        ] {
            assert_eq!(instances(text, &expected()).unwrap(), records, "{text:?}");
        }
        let line = |record: &Value| record.to_string();
        let texts: Vec<String> = records.iter().map(line).collect();
        for text in
            [texts.join("\n"), format!("[{}]", texts.join(",")), format!("{{\"instances\": [{}]}}", texts.join(","))]
        {
            assert_eq!(instances(&text, &expected()).unwrap(), records, "{text}");
        }
        let with_more = "[{\"a\": 1, \"other\": 2}]";
        assert_eq!(instances(with_more, &expected()).unwrap(), [json!({"a": 1})]);
        assert_eq!(instances("[[1, \"x\", true]]", &expected()).unwrap(), [json!([1, "x", true])]);
    }

    #[test]
    fn numbers_are_read_as_those_of_the_dataset() {
        let read = json!({"separator": ";", "decimal": ",", "thousands": ".", "missing": ["-"]});
        let expected = Expected { read, ..expected() };
        let found = instances("a;b\n1.234,5;x\n-;y\nabc;z\n", &expected).unwrap();
        assert_eq!(
            found,
            [json!({"a": 1234.5, "b": "x"}), json!({"a": null, "b": "y"}), json!({"a": "abc", "b": "z"})]
        );
    }

    #[test]
    fn what_is_wrong_has_a_line() {
        for (text, says) in [
            ("a,b\n1,x\n2\n", "line 3: expected 2 cells as in the header, received 1"),
            ("x,y\n1,2\n", "no column is a feature"),
            ("{\"a\":1}\n{\"a\":\n", "line 2: expected a record"),
            ("[{\"a\":1}", "expected an array"),
            ("a,b\n", "received none"),
            ("", "no column is a feature"),
        ] {
            let error = instances(text, &expected()).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn long_files_come_in_batches() {
        let text = format!("a\n{}", "1\n".repeat(2500));
        let mut firsts = Vec::new();
        read(text.as_bytes(), None, &expected(), &mut |part| {
            if let Part::Rows { first, rows } = part {
                firsts.push((first, rows.len()));
            }
            firsts.len() < 2
        })
        .unwrap();
        assert_eq!(firsts, [(1, 1000), (1001, 1000)], "the third batch is not wanted");
    }
}
