//! One feature: its input cells, fitted on the training rows.
//!
//! - A number is one cell: missing ones become the training median, then (x - offset) * factor. The statistics are taken
//!   with the missing ones filled, as scikit-learn's `make_pipeline(SimpleImputer(strategy="median"), StandardScaler())` does.
//!   A constant column has factor 1, so it is zero. A column without a value in the training rows is zero throughout.
//! - A boolean is one cell, 0 or 1; missing ones become the training median (0.5 where there are as many of both).
//! - A category is a cell a level, and one more where the column has missing cells: 1 for the level a row has, else 0.
//!   A level that no training row has is zeros, like one that is not known at all.

use super::{Preprocessing, SignatureColumn};
use crate::data::{
    schema::{Column, ColumnType},
    table::{Cells, MISSING, TableColumn},
};
use ndarray::{ArrayViewMut1, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// How one column becomes input cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Feature {
    name: String,
    #[serde(flatten)]
    encoding: Encoding,
}

/// By the column's type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Encoding {
    /// (x - offset) * factor
    Number {
        /// Stands in for a missing cell, unscaled.
        median: f32,
        /// The mean or the least.
        offset: f64,
        /// One over the deviation or the range.
        factor: f64,
    },
    /// 0 or 1.
    Boolean {
        /// Stands in for a missing cell.
        median: f32,
    },
    /// One-hot.
    Category(Category),
}

/// A category's levels and the cell of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Levels", into = "Levels")]
pub(super) struct Category {
    stored: Levels,
    /// From level to cell, for levels that training rows have.
    cells: HashMap<String, usize>,
}

/// What is stored of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Levels {
    /// In label order, a cell each.
    levels: Vec<String>,
    /// Whether any training row has the level; as long as `levels`.
    seen: Vec<bool>,
    /// Whether missing cells have a cell of their own behind the levels'.
    missing: bool,
    /// Whether any training row is missing.
    missing_seen: bool,
}

impl From<Levels> for Category {
    fn from(stored: Levels) -> Self {
        let known = stored.levels.iter().zip(&stored.seen).enumerate().filter(|(_, (_, seen))| **seen);
        let cells = known.map(|(cell, (level, _))| (level.clone(), cell)).collect();
        Self { stored, cells }
    }
}

impl From<Category> for Levels {
    fn from(category: Category) -> Self {
        category.stored
    }
}

impl Category {
    /// The cell of a level that training rows have.
    pub fn cell(&self, level: &str) -> Option<usize> {
        self.cells.get(level).copied()
    }

    /// Whether the column has this level, in whatever rows.
    pub fn has(&self, level: &str) -> bool {
        self.cells.contains_key(level) || self.stored.levels.iter().any(|known| known == level)
    }

    /// The cell of missing ones, where training rows have them.
    pub fn missing_cell(&self) -> Option<usize> {
        (self.stored.missing && self.stored.missing_seen).then_some(self.stored.levels.len())
    }

    fn width(&self) -> usize {
        self.stored.levels.len() + usize::from(self.stored.missing)
    }
}

/// Cells that the features take at the network's input, known from the schema alone: 1 a number or boolean, a cell a level of a
/// category, and one more where a category has missing cells.
pub fn input_width(columns: &[Column], features: &[String]) -> usize {
    let width = |column: &Column| match column.kind {
        ColumnType::Number | ColumnType::Boolean => 1,
        ColumnType::Category => column.values.as_ref().map_or(0, Vec::len) + usize::from(column.missing > 0),
    };
    features.iter().filter_map(|name| columns.iter().find(|column| column.name == *name)).map(width).sum()
}

impl Feature {
    /// Fits on the rows `training`.
    pub fn fit(
        column: &Column,
        cells: &TableColumn,
        preprocessing: Preprocessing,
        training: &[usize],
    ) -> Result<Self, String> {
        let encoding = match &cells.cells {
            Cells::Number(values) => {
                fit_number(training.iter().filter_map(|&row| values.get(row).copied()), preprocessing)
            }
            Cells::Boolean(values) => {
                let trues = training.iter().filter(|&&row| values.get(row) == Some(&Some(true))).count();
                let falses = training.iter().filter(|&&row| values.get(row) == Some(&Some(false))).count();
                let median = match trues.cmp(&falses) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Greater => 1.0,
                };
                Encoding::Boolean { median }
            }
            Cells::Category { codes, levels } => {
                let known = column.levels().ok_or_else(|| {
                    let (name, distinct) = (&column.name, column.distinct);
                    format!("expected a category with few levels, but {name:?} has about {distinct} different values")
                })?;
                let mut seen = vec![false; known.len()];
                let mut missing_seen = false;
                let places: HashMap<&str, usize> =
                    known.iter().enumerate().map(|(cell, level)| (*level, cell)).collect();
                let cell_of: Vec<_> = levels.iter().map(|level| places.get(level.as_str()).copied()).collect();
                for code in training.iter().filter_map(|&row| codes.get(row).copied()) {
                    missing_seen |= code == MISSING;
                    let cell = cell_of.get(code as usize).copied().flatten();
                    if let Some(seen) = cell.and_then(|cell| seen.get_mut(cell)) {
                        *seen = true;
                    }
                }
                let levels = known.into_iter().map(str::to_owned).collect();
                Encoding::Category(Levels { levels, seen, missing: column.missing > 0, missing_seen }.into())
            }
        };
        Ok(Self { name: column.name.clone(), encoding })
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is encoded.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// Input cells.
    pub fn width(&self) -> usize {
        match &self.encoding {
            Encoding::Number { .. } | Encoding::Boolean { .. } => 1,
            Encoding::Category(category) => category.width(),
        }
    }

    /// Fills `inputs` [rows, width], which is zero, from a table's column; a table without the column has it missing.
    pub fn encode_column(&self, column: Option<&TableColumn>, rows: &[usize], mut inputs: ArrayViewMut2<'_, f32>) {
        match (&self.encoding, column.map(|column| &column.cells)) {
            (Encoding::Number { .. }, Some(Cells::Number(values))) => {
                fill(inputs.column_mut(0), rows, |row| self.number(values.get(row).copied().unwrap_or(f32::NAN)));
            }
            (Encoding::Boolean { median }, Some(Cells::Boolean(values))) => {
                let encode =
                    |row| values.get(row).copied().flatten().map_or(*median, |value| f32::from(u8::from(value)));
                fill(inputs.column_mut(0), rows, encode);
            }
            (Encoding::Category(category), Some(Cells::Category { codes, levels })) => {
                let cell_of: Vec<_> = levels.iter().map(|level| category.cell(level)).collect();
                for (mut input, &row) in inputs.rows_mut().into_iter().zip(rows) {
                    let cell = match codes.get(row) {
                        Some(&MISSING) | None => category.missing_cell(),
                        Some(&code) => cell_of.get(code as usize).copied().flatten(),
                    };
                    if let Some(one) = cell.and_then(|cell| input.get_mut(cell)) {
                        *one = 1.0;
                    }
                }
            }
            (Encoding::Number { .. }, _) => inputs.fill(self.number(f32::NAN)),
            (Encoding::Boolean { median }, _) => inputs.fill(*median),
            (Encoding::Category(category), _) => {
                if let Some(cell) = category.missing_cell().filter(|cell| *cell < inputs.ncols()) {
                    inputs.column_mut(cell).fill(1.0);
                }
            }
        }
    }

    /// One number's cell; NaN is a missing one.
    #[inline]
    pub fn number(&self, value: f32) -> f32 {
        match self.encoding {
            Encoding::Number { median, offset, factor } => {
                let value = if value.is_nan() { median } else { value };
                ((f64::from(value) - offset) * factor) as f32
            }
            _ => value,
        }
    }

    /// What it takes.
    pub fn signature(&self) -> SignatureColumn {
        let (kind, levels) = match &self.encoding {
            Encoding::Number { .. } => (ColumnType::Number, None),
            Encoding::Boolean { .. } => (ColumnType::Boolean, Some(vec![Value::Bool(false), Value::Bool(true)])),
            Encoding::Category(category) => (
                ColumnType::Category,
                Some(category.stored.levels.iter().map(|level| Value::from(level.as_str())).collect()),
            ),
        };
        SignatureColumn { name: self.name.clone(), output: None, kind, levels }
    }
}

fn fill(mut cells: ArrayViewMut1<'_, f32>, rows: &[usize], encode: impl Fn(usize) -> f32) {
    for (cell, &row) in cells.iter_mut().zip(rows) {
        *cell = encode(row);
    }
}

fn fit_number(values: impl Iterator<Item = f32> + Clone, preprocessing: Preprocessing) -> Encoding {
    let mut present: Vec<f32> = values.clone().filter(|value| !value.is_nan()).collect();
    if present.is_empty() {
        return Encoding::Number { median: 0.0, offset: 0.0, factor: 0.0 };
    }
    let median = median(&mut present);
    let filled = || values.clone().map(|value| f64::from(if value.is_nan() { median } else { value }));
    let (least, greatest) = filled()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| (value.min(least), value.max(greatest)));
    let (offset, factor) = match preprocessing {
        Preprocessing::None => (0.0, 1.0),
        _ if least == greatest => (least, 1.0),
        Preprocessing::MinMax => (least, 1.0 / (greatest - least)),
        Preprocessing::Standardize => {
            let count = filled().count() as f64;
            // sums of differences to a value of the column stay exact where the mean is large beside the deviation
            let mean = least + filled().map(|value| value - least).sum::<f64>() / count;
            let variance = filled().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
            (mean, 1.0 / variance.sqrt())
        }
    };
    Encoding::Number { median, offset, factor }
}

/// The middle value, or the mean of the middle two.
fn median(values: &mut [f32]) -> f32 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    let upper = f64::from(*upper);
    let lower = if even { below.iter().copied().max_by(f32::total_cmp).map_or(upper, f64::from) } else { upper };
    ((lower + upper) / 2.0) as f32
}
