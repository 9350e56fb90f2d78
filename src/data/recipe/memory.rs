//! Memory that fitting and applying a recipe take beside the table and the inputs, known before the table is read.

use super::{
    encode_settings::{Encode, EncodeSettings},
    preparation::Preparation,
};
use crate::data::schema::{Column, ColumnType};

/// Bytes of a number, or of a place of a level.
const NUMBER: u64 = 8;
/// Bytes per training row while a scale is fitted: the values, and a copy that is sorted.
const SCALE: u64 = 2 * NUMBER;
/// Bytes per training row of the target: its numbers, or its classes.
const TARGET: u64 = NUMBER;
/// Bytes per training row while the scale of a target is fitted: a list of its numbers that grows.
const TARGET_SCALE: u64 = 3 * NUMBER;
/// Bytes per training row of the encoding `target`: places, folds, and a list of elements per row without the elements.
const TARGET_MEAN: u64 = 11 * NUMBER;
/// Bytes of a level: its text several times, its place and its counts.
const LEVEL: u64 = 256;

/// A table that is prepared.
#[derive(Debug, Clone, Copy)]
pub struct PreparedRows {
    /// Rows of the table.
    pub rows: u64,
    /// Rows that the recipe is fitted on.
    pub training_rows: u64,
    /// Columns that are fitted at a time.
    pub threads: usize,
}

/// Maximum bytes that fitting and applying the recipe of these columns take at a time.
pub fn preparing_bytes(columns: &[(&Column, &Preparation)], rows: PreparedRows) -> u64 {
    let mut fitting: Vec<u64> = columns.iter().map(|(column, it)| it.fitting_bytes(column, rows)).collect();
    fitting.sort_unstable_by(|a, b| b.cmp(a));
    let fitting = fitting.into_iter().take(rows.threads.max(1)).fold(0, u64::saturating_add);
    let sum = |bytes: &dyn Fn(&Column, &Preparation) -> u64| {
        columns.iter().map(|(column, it)| bytes(column, it)).fold(0, u64::saturating_add)
    };
    let applying = sum(&|column, it| it.applying_bytes(column, rows));
    let kept = sum(&|column, it| it.cross_fitted_bytes(rows).saturating_add(levels_bytes(column)));
    let targets = rows.training_rows.saturating_mul(TARGET);
    let fitting = fitting.max(rows.training_rows.saturating_mul(TARGET_SCALE));
    fitting.saturating_add(targets).max(applying).saturating_add(kept)
}

fn levels_bytes(column: &Column) -> u64 {
    column.values.as_ref().map_or(0, |values| (values.len() as u64).saturating_mul(LEVEL))
}

impl Preparation {
    /// Bytes while it is fitted.
    fn fitting_bytes(&self, column: &Column, rows: PreparedRows) -> u64 {
        let of_training = |bytes: u64| rows.training_rows.saturating_mul(bytes);
        match self {
            Self::Number { .. } | Self::Boolean { .. } | Self::Ordinal { .. } => of_training(SCALE),
            Self::Datetime { .. } => of_training(SCALE + NUMBER).saturating_add(self.applying_bytes(column, rows)),
            Self::Category { encode, .. } => match encode.0 {
                EncodeSettings::Ordinal(_) | EncodeSettings::Embedding(_) => of_training(SCALE),
                EncodeSettings::Target(_) => of_training(TARGET_MEAN + 2 * NUMBER * self.target_elements()),
                EncodeSettings::OneHot(_) | EncodeSettings::Hashing(_) => 0,
            },
        }
    }

    /// Bytes while the rows of a table are encoded.
    fn applying_bytes(&self, column: &Column, rows: PreparedRows) -> u64 {
        let is_number = column.kind == ColumnType::Number;
        match self {
            // dates that are numbers in the file
            Self::Datetime { .. } if is_number => rows.rows.saturating_mul(NUMBER),
            Self::Category { encode: Encode(EncodeSettings::Hashing(_)), .. } if is_number => {
                rows.rows.saturating_mul(NUMBER)
            }
            _ => 0,
        }
    }

    /// Bytes of the elements of the training rows that are not those of a prediction.
    fn cross_fitted_bytes(&self, rows: PreparedRows) -> u64 {
        match self {
            Self::Category { encode: Encode(EncodeSettings::Target(_)), .. } => {
                rows.training_rows.saturating_mul(NUMBER * self.target_elements())
            }
            _ => 0,
        }
    }

    fn target_elements(&self) -> u64 {
        match self {
            Self::Category { target_elements, .. } => target_elements.unwrap_or(1) as u64,
            _ => 0,
        }
    }
}
