//! Rows that are equal to an earlier one.

use super::cell::{self, Cell, Token};
use super::{
    chunk::{CellRef, Chunk},
    load::{level, seconds},
    numeric::Numeric,
    spelling::Spelling,
};
use crate::data::schema::{Column, ColumnType};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher},
};

/// Maximum rows that are compared: each takes 16 bytes and its share of a hash table.
pub const MAX_COMPARED_ROWS: u64 = 1 << 22;

/// The rows that were seen, by 128 bits of a hash.
#[derive(Debug, Default)]
pub(super) struct SeenRows {
    seen: HashSet<(u64, u64)>,
    pub duplicates: u64,
}

impl SeenRows {
    pub fn add(&mut self, chunk: &Chunk<'_>, columns: &[Column]) {
        for row in 0..chunk.rows {
            let (mut first, mut second) = (DefaultHasher::new(), DefaultHasher::new());
            second.write_u8(1);
            for (index, column) in columns.iter().enumerate() {
                let cells = chunk.columns.get(index);
                let cell = cells.and_then(|cells| cells.get(row)).copied().unwrap_or(CellRef::Missing);
                if cell == CellRef::Missing {
                    continue;
                }
                for hasher in [&mut first, &mut second] {
                    hash(&chunk.cell(cell), (index, column), chunk.spelling, hasher);
                }
            }
            self.duplicates += u64::from(!self.seen.insert((first.finish(), second.finish())));
        }
    }
}

/// A cell by what a model sees of it: a missing one is nothing, another one its column and its value.
fn hash(cell: &Cell<'_>, (index, column): (usize, &Column), spelling: &Spelling, hasher: &mut DefaultHasher) {
    let mut number = |number: Numeric| {
        let (low, high) = number.bits();
        hasher.write_usize(index);
        hasher.write_u64(low);
        hasher.write_u64(high);
    };
    let truth = |value: bool| Numeric::new(f64::from(u8::from(value)));
    match (column.kind, cell) {
        (ColumnType::Ignored, _) => {}
        (ColumnType::Datetime, cell) => {
            let seconds = column.format.as_ref().map_or(f64::NAN, |format| seconds(cell, format));
            if !seconds.is_nan() {
                number(Numeric::new(seconds));
            }
        }
        (ColumnType::Category | ColumnType::Ordinal, cell) => {
            if let Some(level) = level(cell, spelling) {
                hasher.write_usize(index);
                hasher.write(level.as_bytes());
                hasher.write_u8(0xff);
            }
        }
        (_, Cell::Number(value)) => number(*value),
        (_, Cell::Boolean(value)) => number(truth(*value)),
        (kind, Cell::Written { text, .. }) => match cell::read(text, spelling) {
            Token::Number(value) => number(Numeric::spelled(text, value)),
            Token::Boolean(value) => number(truth(value)),
            Token::Text if kind == ColumnType::Boolean => {
                if let Some(value) = cell::boolean_in(text) {
                    number(truth(value));
                }
            }
            _ => {}
        },
        _ => {}
    }
}
