//! Selected columns, with the types that the first pass found.

use super::{
    cell::{self, Cell, Token},
    chunk::{CellRef, Chunk},
    error::ReadError,
};
use crate::data::{
    schema::{Column, ColumnType},
    table::{Cells, MISSING, TableColumn},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

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
            ColumnType::Category => {
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
        let (kind, codes) = (self.column.kind, &self.codes);
        let unexpected = |row: usize| {
            ReadError::Invalid(format!(
                "{}, column {:?}: expected a {} as in the rest of the column",
                chunk.place(row),
                self.column.name,
                kind.name()
            ))
        };
        match &mut self.cells {
            Cells::Number(values) => {
                for (row, &cell) in column.iter().enumerate() {
                    values.push(match chunk.cell(cell) {
                        Cell::Missing => f32::NAN,
                        Cell::Number(value) => value as f32,
                        Cell::Written(text) => match cell::read(&text) {
                            Token::Number(value) => value as f32,
                            Token::Missing | Token::Placeholder => f32::NAN,
                            _ => return Err(unexpected(row)),
                        },
                        _ => return Err(unexpected(row)),
                    });
                }
            }
            Cells::Boolean(values) => {
                for (row, &cell) in column.iter().enumerate() {
                    values.push(match chunk.cell(cell) {
                        Cell::Missing => None,
                        Cell::Boolean(value) => Some(value),
                        Cell::Written(text) => match cell::read(&text) {
                            Token::Boolean(value) => Some(value),
                            Token::Missing | Token::Placeholder => None,
                            _ => return Err(unexpected(row)),
                        },
                        _ => return Err(unexpected(row)),
                    });
                }
            }
            Cells::Category { codes: values, .. } => {
                for (row, &cell) in column.iter().enumerate() {
                    let cell = chunk.cell(cell);
                    values.push(match level(&cell) {
                        None => MISSING,
                        Some(level) => *codes.get(level.as_ref()).ok_or_else(|| unexpected(row))?,
                    });
                }
            }
        }
        Ok(())
    }

    /// The column.
    pub fn finish(self) -> TableColumn {
        TableColumn { name: self.column.name.clone(), cells: self.cells }
    }
}

/// The spelling of a category's cell.
fn level<'c>(cell: &'c Cell<'_>) -> Option<std::borrow::Cow<'c, str>> {
    use std::borrow::Cow;
    match cell {
        Cell::Missing => None,
        Cell::Written(text) if cell::read(text) == Token::Missing => None,
        Cell::Written(text) => Some(Cow::Borrowed(text)),
        Cell::Text(text) => Some(Cow::Borrowed(text)),
        Cell::Number(value) => Some(Cow::Owned(cell::written(*value))),
        Cell::Boolean(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
    }
}

/// One row of a chunk as a record.
pub(super) fn record(chunk: &Chunk<'_>, row: usize, columns: &[Column]) -> Value {
    let cells = columns.iter().enumerate().map(|(index, column)| {
        let cell = chunk.columns.get(index).and_then(|cells| cells.get(row)).copied().unwrap_or(CellRef::Missing);
        (column.name.clone(), value(&chunk.cell(cell), column.kind))
    });
    Value::Object(cells.collect::<Map<_, _>>())
}

fn value(cell: &Cell<'_>, kind: ColumnType) -> Value {
    match (kind, cell) {
        (_, Cell::Missing) => Value::Null,
        (ColumnType::Category, cell) => level(cell).map_or(Value::Null, |level| Value::String(level.into_owned())),
        (_, Cell::Number(value)) => number(*value),
        (_, Cell::Boolean(value)) => Value::Bool(*value),
        (_, Cell::Text(text)) => Value::from(*text),
        (_, Cell::Written(text)) => match cell::read(text) {
            Token::Number(value) => number(value),
            Token::Boolean(value) => Value::Bool(value),
            _ => Value::Null,
        },
    }
}

/// Whole numbers are shown as integers.
fn number(value: f64) -> Value {
    let integer = value as i64;
    if integer as f64 == value && integer.unsigned_abs() < 1 << 53 { Value::from(integer) } else { Value::from(value) }
}
