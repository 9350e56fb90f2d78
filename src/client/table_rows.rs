//! Rows of CSV and TSV.

use super::{
    failure::Failure,
    output::clean,
    rows::{Batches, Expected, Original, Row, no_feature},
};
use serde_json::{Map, Number, Value};
use std::io::Read;

/// Separators that a header may have.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The separator that splits the first line into the most features.
pub fn separator(start: &[u8], expected: &Expected) -> u8 {
    let own = expected.read["separator"].as_str().and_then(|text| text.bytes().next());
    let count = |separator: u8| {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(start);
        let header = reader.records().next().and_then(Result::ok).unwrap_or_default();
        let features = header.iter().filter(|name| expected.type_of(name.trim()).is_some()).count();
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

/// Reads cells below a header.
pub fn read(source: impl Read, separator: u8, expected: &Expected, batches: &mut Batches<'_>) -> Result<(), Failure> {
    let has_header = expected.read["header"].as_bool().unwrap_or(true);
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).has_headers(has_header).from_reader(source);
    let header: Vec<String> = if has_header {
        let header = reader.headers().map_err(|error| of_csv(&error))?;
        header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect()
    } else {
        (1..=expected.features.len() + 1).map(|number| format!("column_{number}")).collect()
    };
    let cells = CellReader::new(&expected.read);
    let known: Vec<Option<&str>> = header.iter().map(|name| expected.type_of(name)).collect();
    if known.iter().all(Option::is_none) {
        return Err(no_feature("column", &header.join(", "), expected));
    }
    let twice =
        header.iter().zip(&known).enumerate().find(|(at, (name, kind))| kind.is_some() && header[..*at].contains(name));
    if let Some((_, (name, _))) = twice {
        return Err(Failure::Error(format!("expected the column {:?} once, received it twice", clean(name))));
    }
    if !batches.header(header.clone()) {
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
