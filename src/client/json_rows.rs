//! Rows of JSON and NDJSON.

use super::{
    failure::Failure,
    rows::{Batches, Expected, Original, Row, no_feature},
};
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::{fmt, io::BufRead};

/// About how long an element of an array is.
const RECORD_BYTES: usize = 64;

/// Reads a record a line.
pub fn read_lines(source: impl BufRead, expected: &Expected, batches: &mut Batches<'_>) -> Result<(), Failure> {
    for (index, line) in source.lines().enumerate() {
        let line = line.map_err(|error| Failure::Error(format!("line {}: {error}", index + 1)))?;
        let text = line.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let record = serde_json::from_str(text)
            .map_err(|error| Failure::Error(format!("line {}: expected a record in JSON: {error}", index + 1)))?;
        if !push(record, line.len(), expected, batches)? {
            break;
        }
    }
    Ok(())
}

/// Reads an array of records or lists, or an object: a record, `instances`, or a table in one of the forms of a dataset.
pub fn read(mut source: impl BufRead, expected: &Expected, batches: &mut Batches<'_>) -> Result<(), Failure> {
    let failed = |error: serde_json::Error| Failure::Error(format!("expected an array of records in JSON: {error}"));
    let start = source.fill_buf().map_err(|error| Failure::Error(format!("cannot read the rows: {error}")))?;
    if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let document: Map<String, Value> = serde_json::from_reader(source).map_err(failed)?;
        for record in records(document, expected)? {
            if !push(record, RECORD_BYTES, expected, batches)? {
                break;
            }
        }
        return Ok(());
    }
    let mut reader = serde_json::Deserializer::from_reader(source);
    let mut wrong = None;
    reader.deserialize_seq(Elements { expected, batches, wrong: &mut wrong }).map_err(failed)?;
    reader.end().map_err(failed)?;
    wrong.map_or(Ok(()), Err)
}

/// Passes on the elements of an array while they are read.
struct Elements<'a, 'b> {
    expected: &'a Expected,
    batches: &'a mut Batches<'b>,
    wrong: &'a mut Option<Failure>,
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records or lists")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut is_wanted = true;
        while let Some(record) = elements.next_element::<Value>()? {
            if is_wanted {
                is_wanted = push(record, RECORD_BYTES, self.expected, self.batches).unwrap_or_else(|failure| {
                    *self.wrong = Some(failure);
                    false
                });
            }
        }
        Ok(())
    }
}

/// The records of an object.
fn records(mut document: Map<String, Value>, expected: &Expected) -> Result<Vec<Value>, Failure> {
    for name in ["instances", "data"].into_iter().filter(|name| expected.type_of(name).is_none()) {
        if !document.get(name).is_some_and(Value::is_array) {
            continue;
        }
        let Some(Value::Array(rows)) = document.remove(name) else { continue };
        let Some(Value::Array(columns)) = document.remove("columns") else { return Ok(rows) };
        return rows.into_iter().map(|row| named(&columns, row)).collect();
    }
    let is_table = document.keys().any(|name| expected.type_of(name).is_some())
        && (document.values().all(Value::is_array) || document.values().all(Value::is_object));
    if is_table { of_columns(document) } else { Ok(vec![Value::Object(document)]) }
}

/// A list with the names of its values.
fn named(columns: &[Value], row: Value) -> Result<Value, Failure> {
    match row {
        Value::Array(cells) if cells.len() != columns.len() => {
            let (expected, received) = (columns.len(), cells.len());
            Err(Failure::Error(format!("data: expected {expected} values as in columns, received {received}")))
        }
        Value::Array(cells) => {
            let name = |column: &Value| column.as_str().map_or_else(|| column.to_string(), str::to_owned);
            Ok(Value::Object(columns.iter().map(name).zip(cells).collect()))
        }
        record => Ok(record),
    }
}

/// The records of columns, which are lists or objects by the labels of their rows.
fn of_columns(columns: Map<String, Value>) -> Result<Vec<Value>, Failure> {
    let mut records: Vec<Map<String, Value>> = Vec::new();
    for (index, (name, column)) in columns.into_iter().enumerate() {
        let cells: Vec<Value> = match column {
            Value::Array(cells) => cells,
            Value::Object(cells) => cells.into_iter().map(|(_, cell)| cell).collect(),
            other => vec![other],
        };
        if index == 0 {
            records.resize_with(cells.len(), Map::new);
        }
        if cells.len() != records.len() {
            let (expected, received) = (records.len(), cells.len());
            return Err(Failure::Error(format!(
                "expected columns of one length: {name:?} has {received} values, the first column {expected}"
            )));
        }
        for (record, cell) in records.iter_mut().zip(cells) {
            record.insert(name.clone(), cell);
        }
    }
    Ok(records.into_iter().map(Value::Object).collect())
}

/// Adds a record without the fields that are no features; false where no more are wanted. The first one has some.
fn push(record: Value, bytes: usize, expected: &Expected, batches: &mut Batches<'_>) -> Result<bool, Failure> {
    let instance = match &record {
        Value::Object(fields) => {
            let features = fields.iter().filter(|(name, _)| expected.type_of(name).is_some());
            let features: Map<String, Value> = features.map(|(name, value)| (name.clone(), value.clone())).collect();
            if features.is_empty() && batches.read == 0 && !expected.features.is_empty() {
                let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                return Err(no_feature("field", &names.join(", "), expected));
            }
            Value::Object(features)
        }
        other => other.clone(),
    };
    Ok(batches.push(Row { instance, original: Original::Json(record) }, bytes))
}
