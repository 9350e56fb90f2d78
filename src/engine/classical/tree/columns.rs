//! [`FeatureColumns`]: the features as trees read them, in 32 bits.

use super::super::{Features, FitError};

/// Columns of 32-bit floats, one after the other; NaN is a missing value.
pub(in crate::engine::classical) struct FeatureColumns {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
    missing: Vec<bool>,
}

impl FeatureColumns {
    /// An error names the first number that overflows 32 bits.
    pub(in crate::engine::classical) fn new(features: &Features<'_>) -> Result<Self, FitError> {
        let (rows, columns) = (features.rows(), features.columns().len());
        let mut values = Vec::with_capacity(rows * columns);
        let mut missing = Vec::with_capacity(columns);
        for (at, column) in features.columns().iter().enumerate() {
            let start = values.len();
            values.extend(column.values.iter().map(|&value| value as f32));
            let own = &values[start..];
            if let Some(row) = own.iter().position(|value| value.is_infinite()) {
                let received = column.values[row];
                let detail = format!(
                    "column {at}, row {row}: expected a number of at most {:e} in size, received {received}",
                    f32::MAX
                );
                return Err(FitError::data(detail));
            }
            missing.push(own.iter().any(|value| value.is_nan()));
        }
        Ok(Self { rows, columns, values, missing })
    }

    pub(in crate::engine::classical) fn rows(&self) -> usize {
        self.rows
    }

    pub(in crate::engine::classical) fn count(&self) -> usize {
        self.columns
    }

    pub(super) fn column(&self, at: usize) -> &[f32] {
        &self.values[at * self.rows..(at + 1) * self.rows]
    }

    pub(super) fn has_missing(&self, at: usize) -> bool {
        self.missing[at]
    }

    pub(in crate::engine::classical) fn value(&self, row: usize, column: usize) -> f32 {
        self.values[column * self.rows + row]
    }
}
