//! One feature: its input elements, fitted on the training rows.
//!
//! - A number is one element: missing values become the training median, then (x - offset) * factor. The statistics are taken
//!   with missing values imputed, as scikit-learn's `make_pipeline(SimpleImputer(strategy="median"), StandardScaler())` does.
//! - A boolean is one element, 0 or 1; missing values become the training median (0.5 for as many of both).
//! - A category is one-hot: an element per level, and one more if the column has missing cells. A level that no training row
//!   has is zeros, like an unknown one.
//! - A column that is constant in the training rows, or missing in all of them, is zero whatever its value: its weights are not
//!   trained. Columns that stay raw are not changed.

use super::{Preprocessing, SignatureColumn};
use crate::{
    data::{
        read::number_in,
        schema::{Column, ColumnType},
        table::{Cells, MISSING, TableColumn},
    },
    engine::input_layout::InputColumn,
};
use ndarray::ArrayViewMut1;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// How one column becomes input elements.
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
        /// Imputed for missing values, unscaled.
        median: f64,
        /// The mean or the minimum.
        offset: f64,
        /// One over the deviation or the range; 0 for a constant column.
        factor: f64,
    },
    /// 0 or 1.
    Boolean {
        /// Imputed for missing values.
        median: f32,
        /// Whether every training row has this value, so that it is 0 throughout.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        constant: bool,
    },
    /// One-hot.
    Category(Category),
}

/// A category's levels and the element of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Levels", into = "Levels")]
pub(super) struct Category {
    stored: Levels,
    /// From level to element, for levels that training rows have.
    elements: HashMap<String, usize>,
    /// Levels that are spelled as numbers, by the number's bits; `None` where several are the same number.
    numbers: HashMap<u64, Option<String>>,
}

/// What is stored of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Levels {
    /// In label order, an element each.
    levels: Vec<String>,
    /// Whether any training row has the level; as long as `levels`.
    seen: Vec<bool>,
    /// Whether missing values have their own element after the levels'.
    missing: bool,
    /// Whether any training row is missing.
    missing_seen: bool,
    /// Whether every training row has the same level, so that all elements are 0 throughout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    constant: bool,
}

impl From<Levels> for Category {
    fn from(stored: Levels) -> Self {
        let known = stored.levels.iter().zip(&stored.seen).enumerate().filter(|(_, (_, seen))| **seen);
        let elements = known.map(|(element, (level, _))| (level.clone(), element)).collect();
        let mut numbers: HashMap<u64, Option<String>> = HashMap::new();
        for level in &stored.levels {
            if let Some(number) = number_in(level) {
                let same = numbers.entry(bits(number)).and_modify(|known| *known = None);
                same.or_insert_with(|| Some(level.clone()));
            }
        }
        Self { stored, elements, numbers }
    }
}

/// -0 and 0 are one number.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl From<Category> for Levels {
    fn from(category: Category) -> Self {
        category.stored
    }
}

impl Category {
    /// The element of a level that training rows have, `None` for other levels. A constant column has none that is filled.
    pub fn element(&self, level: &str) -> Option<usize> {
        self.elements.get(level).copied()
    }

    /// Whether the column has this level, in whatever rows.
    pub fn has(&self, level: &str) -> bool {
        self.elements.contains_key(level) || self.stored.levels.iter().any(|known| known == level)
    }

    /// Whether some levels are spelled as numbers.
    pub fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// The only level that is spelled as this number.
    pub fn level_of_number(&self, number: f64) -> Option<&str> {
        self.numbers.get(&bits(number))?.as_deref()
    }

    /// The element of missing values, if training rows have them.
    pub fn missing_element(&self) -> Option<usize> {
        (self.stored.missing && self.stored.missing_seen && !self.stored.constant).then_some(self.stored.levels.len())
    }

    /// Whether every training row has the same level.
    pub fn is_constant(&self) -> bool {
        self.stored.constant
    }

    fn width(&self) -> usize {
        self.stored.levels.len() + usize::from(self.stored.missing)
    }
}

/// Elements that the features have at the network's input, known from the schema alone: 1 per number or boolean, one per level
/// of a category, and one more if a category has missing cells.
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
                let constant =
                    preprocessing != Preprocessing::None && (trues == training.len() || falses == training.len());
                Encoding::Boolean { median, constant }
            }
            Cells::Category { codes, levels } => {
                let known = column.levels().ok_or_else(|| {
                    let (name, distinct) = (&column.name, column.distinct);
                    format!("expected a category with few levels, but {name:?} has about {distinct} different values")
                })?;
                let mut seen = vec![false; known.len()];
                let mut missing_seen = false;
                let places: HashMap<&str, usize> =
                    known.iter().enumerate().map(|(element, level)| (*level, element)).collect();
                let element_of: Vec<_> = levels.iter().map(|level| places.get(level.as_str()).copied()).collect();
                for code in training.iter().filter_map(|&row| codes.get(row).copied()) {
                    missing_seen |= code == MISSING;
                    let element = element_of.get(code as usize).copied().flatten();
                    if let Some(seen) = element.and_then(|element| seen.get_mut(element)) {
                        *seen = true;
                    }
                }
                let distinct = seen.iter().filter(|seen| **seen).count() + usize::from(missing_seen);
                let constant = preprocessing != Preprocessing::None && distinct == 1;
                let levels = known.into_iter().map(str::to_owned).collect();
                let missing = column.missing > 0;
                Encoding::Category(Levels { levels, seen, missing, missing_seen, constant }.into())
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

    /// Input elements.
    pub fn width(&self) -> usize {
        match &self.encoding {
            Encoding::Number { .. } | Encoding::Boolean { .. } => 1,
            Encoding::Category(category) => category.width(),
        }
    }

    /// The column of x that it is: a category is one column of codes, the index of the element that is 1.
    pub fn column(&self) -> InputColumn {
        match &self.encoding {
            Encoding::Number { .. } | Encoding::Boolean { .. } => InputColumn::Number,
            Encoding::Category(category) => InputColumn::OneHot(category.width()),
        }
    }

    /// Fills its column of x from a table's column; a table without the column has it missing.
    pub fn encode_column(&self, column: Option<&TableColumn>, rows: &[usize], mut inputs: ArrayViewMut1<'_, f32>) {
        match (&self.encoding, column.map(|column| &column.cells)) {
            (Encoding::Number { .. }, Some(Cells::Number(values))) => {
                fill(inputs, rows, |row| self.number(values.get(row).copied().unwrap_or(f64::NAN)));
            }
            (Encoding::Boolean { constant: true, .. }, _) => inputs.fill(0.0),
            (Encoding::Boolean { median, .. }, Some(Cells::Boolean(values))) => {
                let encode =
                    |row| values.get(row).copied().flatten().map_or(*median, |value| f32::from(u8::from(value)));
                fill(inputs, rows, encode);
            }
            (Encoding::Category(category), _) if category.is_constant() => inputs.fill(code(None)),
            (Encoding::Category(category), Some(Cells::Category { codes, levels })) => {
                let element_of: Vec<_> = levels.iter().map(|level| category.element(level)).collect();
                let encode = |row| {
                    code(match codes.get(row) {
                        Some(&MISSING) | None => category.missing_element(),
                        Some(&code) => element_of.get(code as usize).copied().flatten(),
                    })
                };
                fill(inputs, rows, encode);
            }
            (Encoding::Number { .. }, _) => inputs.fill(self.number(f64::NAN)),
            (Encoding::Boolean { median, .. }, _) => inputs.fill(*median),
            (Encoding::Category(category), _) => inputs.fill(code(category.missing_element())),
        }
    }

    /// Why a value has no effect though it differs from those of training; `None` for every other value.
    pub fn is_without_effect(&self, value: &Value) -> Option<String> {
        let differs = match (&self.encoding, value) {
            (Encoding::Number { median, factor, .. }, Value::Number(number)) if *factor == 0.0 => {
                number.as_f64() != Some(*median)
            }
            (Encoding::Boolean { median, constant: true }, Value::Bool(value)) => {
                f32::from(u8::from(*value)) != *median
            }
            _ => false,
        };
        differs.then(|| format!("{:?} does not vary in the training rows and has no effect", self.name))
    }

    /// One number's element; NaN is a missing one.
    #[inline]
    pub fn number(&self, value: f64) -> f32 {
        match self.encoding {
            Encoding::Number { median, offset, factor } => {
                let value = if value.is_nan() { median } else { value };
                ((value - offset) * factor) as f32
            }
            _ => value as f32,
        }
    }

    /// Its column in the signature.
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

/// The code of the element that is 1, of which there may be none.
pub(super) fn code(element: Option<usize>) -> f32 {
    element.map_or(-1.0, |element| element as f32)
}

fn fill(mut elements: ArrayViewMut1<'_, f32>, rows: &[usize], encode: impl Fn(usize) -> f32) {
    for (element, &row) in elements.iter_mut().zip(rows) {
        *element = encode(row);
    }
}

fn fit_number(values: impl Iterator<Item = f64> + Clone, preprocessing: Preprocessing) -> Encoding {
    let mut present: Vec<f64> = values.clone().filter(|value| !value.is_nan()).collect();
    if present.is_empty() {
        return Encoding::Number { median: 0.0, offset: 0.0, factor: 0.0 };
    }
    let median = median(&mut present);
    let filled = || values.clone().map(|value| if value.is_nan() { median } else { value });
    let (min, max) =
        filled().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (value.min(min), value.max(max)));
    let (offset, factor) = match preprocessing {
        Preprocessing::None => (0.0, 1.0),
        _ if min == max => (min, 0.0),
        Preprocessing::MinMax => (min, 1.0 / (max - min)),
        Preprocessing::Standardize => {
            let count = filled().count() as f64;
            // sums of differences to a value of the column stay exact where the mean is large beside the deviation
            let mean = min + filled().map(|value| value - min).sum::<f64>() / count;
            let variance = filled().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
            let factor = 1.0 / variance.sqrt();
            // squares of tiny deviations are 0 in f64; those of shares of the range are not
            let share = || filled().map(|value| ((value - mean) / (max - min)).powi(2)).sum::<f64>() / count;
            (mean, if factor.is_finite() { factor } else { 1.0 / (share().sqrt() * (max - min)) })
        }
    };
    Encoding::Number { median, offset, factor }
}

/// The middle value, or the mean of the middle two.
fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = if even { below.iter().copied().max_by(f64::total_cmp).unwrap_or(upper) } else { upper };
    lower + (upper - lower) / 2.0
}
