//! One column's type and summary, found in one pass in bounded memory.

use super::{
    cell::{self, Cell, Token},
    chunk::{CellRef, Chunk},
    distinct::{Budget, Distinct},
    error::ReadError,
};
use crate::data::schema::{Column, ColumnType, ValueCount};
use serde_json::Value;
use std::{borrow::Cow, collections::HashMap};

/// Maximum integers that a number column lists. More of them are an amount, not class labels.
pub const MAX_LISTED_INTEGERS: usize = 1000;

/// Integers up to here are exact in `f64`.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Running summary of a column.
#[derive(Debug, Clone)]
pub(super) struct ColumnSummary {
    missing: u64,
    placeholders: u64,
    trues: u64,
    falses: u64,
    text: bool,
    moments: Moments,
    whole: bool,
    out_of_range: Option<OutOfRange>,
    distinct: Distinct,
}

/// A number that `f32` cannot hold: an error if the column is a number column.
#[derive(Debug, Clone)]
struct OutOfRange {
    place: String,
    spelling: String,
}

impl ColumnSummary {
    /// A column that the first `rows` rows do not have.
    pub fn after(rows: u64) -> Self {
        Self {
            missing: rows,
            placeholders: 0,
            trues: 0,
            falses: 0,
            text: false,
            moments: Moments::default(),
            whole: true,
            out_of_range: None,
            distinct: Distinct::default(),
        }
    }

    /// Adds this column's cells of a chunk.
    pub fn add(&mut self, chunk: &Chunk<'_>, cells: &[CellRef], budget: &Budget) {
        for (row, &cell) in cells.iter().enumerate() {
            match chunk.cell(cell) {
                Cell::Missing => self.missing += 1,
                Cell::Text(text) => {
                    self.text = true;
                    self.distinct.add(None, || Cow::Borrowed(text), budget);
                }
                Cell::Boolean(value) => {
                    self.boolean(value);
                    self.distinct.add(None, || Cow::Borrowed(if value { "true" } else { "false" }), budget);
                }
                Cell::Number(value) => {
                    self.number(value, || chunk.place(row), || format!("{value:e}"));
                    self.distinct.add(Some(value), || Cow::Owned(cell::written(value)), budget);
                }
                Cell::Written(text) => match cell::read(&text) {
                    Token::Number(value) => {
                        self.number(value, || chunk.place(row), || text.to_string());
                        self.distinct.add(Some(value), || text, budget);
                    }
                    Token::Missing => self.missing += 1,
                    token => {
                        match token {
                            Token::Placeholder => self.placeholders += 1,
                            Token::Boolean(value) => self.boolean(value),
                            _ => self.text = true,
                        }
                        self.distinct.add(None, || text, budget);
                    }
                },
            }
        }
    }

    fn boolean(&mut self, value: bool) {
        if value {
            self.trues += 1;
        } else {
            self.falses += 1;
        }
    }

    #[inline]
    fn number(&mut self, value: f64, place: impl FnOnce() -> String, spelling: impl FnOnce() -> String) {
        if (value as f32).is_finite() {
            self.whole &= value == value.trunc();
            self.moments.add(value);
        } else if self.out_of_range.is_none() {
            self.out_of_range = Some(OutOfRange { place: place(), spelling: spelling() });
        }
    }

    /// The column, once every row has been seen.
    pub fn finish(self, name: String) -> Result<Column, ReadError> {
        let booleans = self.trues + self.falses;
        let numbers = self.moments.count > 0 || self.out_of_range.is_some();
        let placeholders_alone = self.placeholders > 0 && booleans == 0 && !numbers;
        if self.text || (booleans > 0 && numbers) || placeholders_alone {
            Ok(self.category(name))
        } else if booleans > 0 {
            Ok(self.boolean_column(name))
        } else {
            self.number_column(name)
        }
    }

    fn category(self, name: String) -> Column {
        let column = empty(name, ColumnType::Category, self.missing);
        match self.distinct {
            Distinct::Estimated(sketch) => Column { distinct: sketch.estimate(), ..column },
            Distinct::Exact { levels, .. } => {
                let mut levels: Vec<_> = levels.into_iter().collect();
                levels.sort_unstable();
                let value = |(level, count): (Box<str>, u64)| ValueCount { value: Value::String(level.into()), count };
                Column {
                    distinct: levels.len() as u64,
                    values: Some(levels.into_iter().map(value).collect()),
                    ..column
                }
            }
        }
    }

    fn boolean_column(self, name: String) -> Column {
        let values: Vec<_> = [(false, self.falses), (true, self.trues)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(value, count)| ValueCount { value: Value::Bool(value), count })
            .collect();
        Column {
            distinct: values.len() as u64,
            values: Some(values),
            ..empty(name, ColumnType::Boolean, self.missing + self.placeholders)
        }
    }

    fn number_column(self, name: String) -> Result<Column, ReadError> {
        if let Some(OutOfRange { place, spelling }) = self.out_of_range {
            return Err(ReadError::Invalid(format!(
                "{place}, column {name:?}: expected a finite number within ±{:e}, received {spelling}",
                f32::MAX
            )));
        }
        let column = empty(name, ColumnType::Number, self.missing + self.placeholders);
        let (distinct, values) = match self.distinct {
            Distinct::Estimated(sketch) => (sketch.estimate(), None),
            Distinct::Exact { levels, .. } => {
                let numbers = by_value(&levels);
                let listed = self.whole && !numbers.is_empty() && numbers.len() <= MAX_LISTED_INTEGERS;
                let values = listed.then(|| integers(&numbers)).flatten();
                (numbers.len() as u64, values)
            }
        };
        let some = self.moments.count > 0;
        Ok(Column {
            distinct,
            values,
            // -0 becomes 0
            min: some.then_some(self.moments.min + 0.0),
            max: some.then_some(self.moments.max + 0.0),
            mean: some.then_some(self.moments.mean),
            std: self.moments.sample_std(),
            ..column
        })
    }
}

fn empty(name: String, kind: ColumnType, missing: u64) -> Column {
    Column { name, kind, missing, distinct: 0, min: None, max: None, mean: None, std: None, values: None }
}

/// Numbers in order with their counts: spellings of one value are one.
fn by_value(levels: &HashMap<Box<str>, u64>) -> Vec<(f64, u64)> {
    let mut numbers: Vec<(f64, u64)> = levels
        .iter()
        .filter_map(|(level, &count)| match cell::read(level) {
            // -0 becomes 0
            Token::Number(value) => Some((value + 0.0, count)),
            _ => None,
        })
        .collect();
    numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    numbers.dedup_by(|next, first| {
        let same = next.0 == first.0;
        if same {
            first.1 += next.1;
        }
        same
    });
    numbers
}

fn integers(numbers: &[(f64, u64)]) -> Option<Vec<ValueCount>> {
    numbers
        .iter()
        .map(|&(value, count)| {
            (value.abs() <= EXACT_INTEGERS).then(|| ValueCount { value: Value::from(value as i64), count })
        })
        .collect()
}

/// Welford's running mean and sum of squared deviations: exact enough where the mean is large beside the deviation.
#[derive(Debug, Clone, Copy)]
struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Moments {
    #[inline]
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn sample_std(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}
