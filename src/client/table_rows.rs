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
    // without names, only the dataset says what separates cells
    let has_names = expected.read["header"].as_bool().unwrap_or(true);
    if let Some(own) = own.filter(|own| !has_names && count(*own).1 > 1) {
        return own;
    }
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
    let byte = |name: &str| expected.read[name].as_str().and_then(|text| text.bytes().next());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .quote(byte("quote").unwrap_or(b'"'))
        .comment(byte("comment"))
        .has_headers(has_header)
        .from_reader(source);
    let mut header: Vec<String> = Vec::new();
    if has_header {
        let names = reader.headers().map_err(|error| of_csv(&error))?;
        header.extend(names.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()));
    }
    let mut records = reader.into_records().peekable();
    if let (false, Some(Ok(first))) = (has_header, records.peek()) {
        let features = &expected.features;
        // the columns of the dataset, or the features alone
        header = match first.len() == features.len() {
            true => features.iter().map(|(name, _)| name.clone()).collect(),
            false => (1..=first.len()).map(|number| format!("column_{number}")).collect(),
        };
    }
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
    for record in records {
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

/// Spellings of a missing value where an upload names none, in any case.
const MISSING: [&str; 7] = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "null"];

/// What is missing in columns of numbers and booleans then, in any case.
const PLACEHOLDERS: [&str; 21] = [
    "?", "-", "--", ".", "*", "none", "nil", "\\N", "N.A.", "n.a", "NaT", "(null)", "(blank)", "#DIV/0!", "#VALUE!",
    "#REF!", "#NAME?", "#NUM!", "#NULL!", "1.#QNAN", "-1.#IND",
];

/// Turns cells into JSON as the dataset's own cells were read.
struct CellReader {
    /// What the client of the dataset named as missing; `None` for the usual spellings.
    missing: Option<Vec<String>>,
    decimal: char,
    thousands: Option<char>,
}

impl CellReader {
    fn new(read: &Value) -> Self {
        let tokens = read["missing"]
            .as_array()
            .map(|tokens| tokens.iter().filter_map(|token| token.as_str().map(str::to_owned)).collect::<Vec<_>>());
        let character = |name: &str| read[name].as_str().and_then(|text| text.chars().next());
        Self {
            missing: tokens.filter(|tokens| *tokens != MISSING),
            decimal: character("decimal").unwrap_or('.'),
            thousands: character("thousands"),
        }
    }

    /// What is not of the column's type stays text: the service says what is wrong with it.
    fn value(&self, cell: &str, kind: &str) -> Value {
        let trimmed = cell.trim();
        let is = |word: &str| trimmed.eq_ignore_ascii_case(word);
        let is_missing = match &self.missing {
            Some(tokens) => tokens.iter().any(|token| token == trimmed),
            None => {
                MISSING.into_iter().any(is)
                    || (matches!(kind, "number" | "boolean") && PLACEHOLDERS.into_iter().any(is))
            }
        };
        if is_missing {
            return Value::Null;
        }
        match kind {
            "number" => self.number(trimmed).map_or_else(|| cell.into(), Value::Number),
            "boolean" if is("true") => true.into(),
            "boolean" if is("false") => false.into(),
            _ => cell.into(),
        }
    }

    /// A number as the dataset spells it: `1.5` is none where points separate groups of three digits.
    fn number(&self, cell: &str) -> Option<Number> {
        let end = cell.find([self.decimal, 'e', 'E']).unwrap_or(cell.len());
        let (whole, rest) = cell.split_at(end);
        let mut digits = whole.to_owned();
        if let Some(thousands) = self.thousands.filter(|thousands| whole.contains(*thousands)) {
            let mut groups = whole.trim_start_matches(['+', '-']).split(thousands);
            let is_first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
            if !is_first || groups.any(|group| group.len() != 3) {
                return None;
            }
            digits = whole.replace(thousands, "");
        }
        if self.decimal != '.' && (digits.contains('.') || rest.contains('.')) {
            return None;
        }
        Number::from_f64((digits + &rest.replace(self.decimal, ".")).parse().ok()?)
    }
}
