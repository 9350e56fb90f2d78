//! Cells of which a scale makes no finite number.

use super::{
    Recipe, cells, cells_of,
    feature::{Encoding, Feature},
    scale::expected_of_scale,
};
use crate::{
    data::table::Table,
    engine::{field::FieldError, real::Real},
};
use ndarray::Array2;
use rayon::prelude::*;

/// Elements that a thread looks at between two others.
const BLOCK: usize = 1 << 16;

impl Recipe {
    /// Looks for the first cell of `rows` of which a scale makes no finite number; `inputs` are those of these rows.
    ///
    /// # Errors
    /// With the row and the column of the cell.
    pub fn check_scaled<F: Real>(&self, table: &Table, rows: &[usize], inputs: &Array2<F>) -> Result<(), FieldError> {
        // without a branch for each element: nearly all are finite
        let is_finite = |block: &[F]| block.iter().fold(true, |all, element| all & element.finite());
        let are_finite = || inputs.as_slice().is_some_and(|all| all.par_chunks(BLOCK).all(is_finite));
        if !self.features.iter().any(is_scaled) || are_finite() {
            return Ok(());
        }
        let mut first = 0;
        for feature in &self.features {
            let column = first;
            first += feature.column_count();
            let Encoding::Number(numbers) = feature.encoding() else { continue };
            let Some(cells) = cells_of(table, feature.name()).filter(|_| is_scaled(feature)) else { continue };
            let cells = cells::numbers(&cells.cells);
            let value = |row: usize| Some(cells.get(row)).filter(|value| !value.is_nan()).or(numbers.fill());
            let elements = inputs.column(column);
            let wrong = elements.iter().zip(rows).filter(|(element, _)| !element.finite());
            let mut wrong = wrong.filter_map(|(_, &row)| Some((row, value(row)?)));
            if let Some((row, value)) = wrong.next() {
                let (expected, name) = (expected_of_scale(numbers.steps()), feature.name());
                let detail = format!("row {}: expected {expected} in the column {name:?}, received {value}", row + 1);
                return Err(FieldError::new("/features", detail));
            }
        }
        Ok(())
    }
}

fn is_scaled(feature: &Feature) -> bool {
    match feature.encoding() {
        Encoding::Number(numbers) => !numbers.steps().is_empty(),
        _ => false,
    }
}
