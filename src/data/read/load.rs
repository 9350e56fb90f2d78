//! Selected columns, with the types that the first pass found.

use super::{
    cell::{self, Cell, Token},
    chunk::{CellRef, Chunk},
    error::ReadError,
    numeric::Numeric,
    spelling::Spelling,
    summary::reads_text,
};
use crate::data::{
    date::DatePattern,
    schema::{Column, ColumnType},
    table::{Cells, MISSING, TableColumn},
};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::HashMap};

/// One selected column as it grows.
pub(super) struct Builder<'a> {
    /// Its index in the file.
    pub index: usize,
    column: &'a Column,
    codes: HashMap<&'a str, u32>,
    cells: Cells,
}

impl<'a> Builder<'a> {
    /// An empty column for `rows` cells. Fails if it has more levels than were listed.
    pub fn new(index: usize, column: &'a Column, rows: usize) -> Result<Self, ReadError> {
        let mut codes = HashMap::new();
        let cells = match column.kind {
            ColumnType::Number => Cells::Number(Vec::with_capacity(rows)),
            ColumnType::Boolean => Cells::Boolean(Vec::with_capacity(rows)),
            ColumnType::Datetime => Cells::Datetime(Vec::with_capacity(rows)),
            ColumnType::Ignored => {
                return Err(ReadError::Invalid(format!("column {:?} is ignored", column.name)));
            }
            ColumnType::Category | ColumnType::Ordinal => {
                let Some(levels) = column.levels() else {
                    return Err(ReadError::Invalid(format!(
                        "column {:?} has about {} different values, too many to list",
                        column.name, column.distinct
                    )));
                };
                codes = levels.iter().zip(0u32..).map(|(level, code)| (*level, code)).collect();
                let levels = levels.into_iter().map(str::to_owned).collect();
                Cells::Category { codes: Vec::with_capacity(rows), levels }
            }
        };
        Ok(Self { index, column, codes, cells })
    }

    /// Adds this column's cells of a chunk.
    pub fn add(&mut self, chunk: &Chunk<'_>, column: &[CellRef]) -> Result<(), ReadError> {
        let codes = &self.codes;
        let unexpected = |row: usize| {
            ReadError::Invalid(format!(
                "{}, column {:?}: expected a level that was there at upload",
                chunk.place(row),
                self.column.name,
            ))
        };
        let spelling = chunk.spelling;
        let reads_text = self.column.is_given();
        match &mut self.cells {
            Cells::Number(values) => {
                let other = |cell: CellRef| match chunk.cell(cell).read_as(reads_text) {
                    Cell::Number(number) => number.value,
                    Cell::Written { text, .. } => match cell::read(&text, spelling) {
                        Token::Number(value) => value,
                        _ => f64::NAN,
                    },
                    // what is no number is missing: the dataset's warnings name it
                    _ => f64::NAN,
                };
                let is_usual = spelling.is_usual();
                values.extend(column.iter().map(|&cell| match cell {
                    CellRef::Number(value) => value,
                    CellRef::Written(start, end) if is_usual => {
                        cell::digits(chunk.text(start, end)).unwrap_or_else(|| other(cell))
                    }
                    _ => other(cell),
                }))
            }
            Cells::Datetime(values) => {
                let Some(format) = &self.column.format else { return Ok(()) };
                values.extend(column.iter().map(|&cell| seconds(&chunk.cell(cell), format)));
            }
            Cells::Boolean(values) => {
                values.extend(column.iter().map(|&cell| match chunk.cell(cell).read_as(reads_text) {
                    Cell::Boolean(value) => Some(value),
                    Cell::Number(number) => truth(number.value),
                    Cell::Written { text, .. } => match cell::read(&text, spelling) {
                        Token::Boolean(value) => Some(value),
                        Token::Number(value) => truth(value),
                        Token::Text => cell::boolean_in(&text),
                        Token::Missing | Token::Placeholder => None,
                    },
                    _ => None,
                }))
            }
            Cells::Category { codes: values, .. } => {
                for (row, &cell) in column.iter().enumerate() {
                    let cell = chunk.cell(cell);
                    values.push(match level(&cell, spelling) {
                        None => MISSING,
                        Some(level) => *codes.get(level.as_ref()).ok_or_else(|| unexpected(row))?,
                    });
                }
            }
        }
        self.add_missing(chunk.rows.saturating_sub(column.len()));
        Ok(())
    }

    /// Adds cells that are not in the chunk.
    fn add_missing(&mut self, count: usize) {
        match &mut self.cells {
            Cells::Number(values) | Cells::Datetime(values) => values.resize(values.len() + count, f64::NAN),
            Cells::Boolean(values) => values.resize(values.len() + count, None),
            Cells::Category { codes, .. } => codes.resize(codes.len() + count, MISSING),
        }
    }

    /// The cells so far.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Forgets the cells.
    pub fn clear(&mut self) {
        match &mut self.cells {
            Cells::Number(values) | Cells::Datetime(values) => values.clear(),
            Cells::Category { codes, .. } => codes.clear(),
            Cells::Boolean(values) => values.clear(),
        }
    }

    /// The column.
    pub fn finish(self) -> TableColumn {
        TableColumn { name: self.column.name.clone(), cells: self.cells }
    }
}

/// Numbers in a column that the client declared boolean.
fn truth(value: f64) -> Option<bool> {
    match value {
        0.0 => Some(false),
        1.0 => Some(true),
        _ => None,
    }
}

/// The seconds since 1970 of a date's cell; NaN for what has not the form.
pub(super) fn seconds(cell: &Cell<'_>, format: &DatePattern) -> f64 {
    let read = |text: &str| format.read(text).map_or(f64::NAN, |instant| instant.seconds);
    match cell {
        Cell::Written { text, .. } => read(text),
        Cell::Text(text) => read(text),
        Cell::Number(number) => read(&number.text()),
        Cell::Missing | Cell::Boolean(_) => f64::NAN,
    }
}

/// The level of a category's cell; `None` for a missing one.
pub(super) fn level<'c>(cell: &'c Cell<'_>, spelling: &Spelling) -> Option<Cow<'c, str>> {
    match cell {
        Cell::Missing | Cell::Text("") => None,
        Cell::Written { text, .. } if cell::read(text, spelling) == Token::Missing => None,
        Cell::Written { text, .. } => Some(Cow::Borrowed(text)),
        Cell::Text(text) => Some(Cow::Borrowed(text)),
        Cell::Number(number) => Some(Cow::Owned(number.text())),
        Cell::Boolean(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
    }
}

/// One row of a chunk as a record.
pub(super) fn record(chunk: &Chunk<'_>, row: usize, columns: &[Column]) -> Value {
    let cells = columns.iter().enumerate().map(|(index, column)| {
        let cell = chunk.columns.get(index).and_then(|cells| cells.get(row)).copied().unwrap_or(CellRef::Missing);
        let cell = chunk.cell(cell).read_as(column.is_given() && reads_text(column.kind));
        (column.name.clone(), value(&cell, column.kind, chunk.spelling))
    });
    Value::Object(cells.collect::<Map<_, _>>())
}

/// Bytes of a record as JSON, about.
pub(super) fn bytes_of(record: &Value) -> usize {
    const OTHER: usize = 20;
    let cells = record.as_object().into_iter().flatten();
    cells.map(|(name, cell)| name.len() + cell.as_str().map_or(0, str::len) + OTHER).sum()
}

fn value(cell: &Cell<'_>, kind: ColumnType, spelling: &Spelling) -> Value {
    let number = |number: Numeric| match kind {
        ColumnType::Boolean => truth(number.value).map_or(Value::Null, Value::Bool),
        _ => number.json(),
    };
    match (kind, cell) {
        (_, Cell::Missing) => Value::Null,
        (ColumnType::Datetime, Cell::Number(value)) => value.json(),
        (ColumnType::Category | ColumnType::Ordinal | ColumnType::Datetime | ColumnType::Ignored, cell) => {
            level(cell, spelling).map_or(Value::Null, |level| Value::String(level.into_owned()))
        }
        (_, Cell::Number(value)) => number(*value),
        (_, Cell::Boolean(value)) => Value::Bool(*value),
        (_, Cell::Text(_)) => Value::Null,
        (_, Cell::Written { text, .. }) => match cell::read(text, spelling) {
            Token::Number(value) => number(Numeric::spelled(text, value)),
            Token::Boolean(value) if kind == ColumnType::Boolean => Value::Bool(value),
            Token::Text if kind == ColumnType::Boolean => cell::boolean_in(text).map_or(Value::Null, Value::Bool),
            _ => Value::Null,
        },
    }
}
