//! [`Accuracy`] and what it resolves to by shape.

use super::{Rows, Tally, largest, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// [`BinaryAccuracy`] for one output, else [`CategoricalAccuracy`].
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/>, and `compile` for how Keras chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accuracy;

/// The fraction of cells whose output is on the target's side of the threshold.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#binaryaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryAccuracy {
    /// An output over this is a yes, 0 to 1.
    pub threshold: f64,
}

/// The fraction of rows whose largest output is the target's class.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#categoricalaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoricalAccuracy;

/// The same as [`CategoricalAccuracy`]: Keras's name for it where targets are class indices.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#sparsecategoricalaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparseCategoricalAccuracy;

impl Default for BinaryAccuracy {
    fn default() -> Self {
        Self { threshold: 0.5 }
    }
}

/// Sums: what was right, what there was.
impl<F: Real> Tally<F> for BinaryAccuracy {
    fn check(&self) -> Result<(), FieldError> {
        check::fraction("/threshold", self.threshold)
    }

    fn needs_wide_targets(&self) -> bool {
        true
    }

    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let threshold = F::of(self.threshold);
        let pairs = rows.targets.iter().zip(rows.output);
        let right =
            pairs.filter(|&(&target, &output)| target == if output > threshold { F::ONE } else { F::ZERO }).count();
        add(cells, right, rows.output.len());
    }

    fn result(&self, cells: &[f64]) -> f64 {
        fraction(cells)
    }
}

impl<F: Real> Tally<F> for CategoricalAccuracy {
    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let right = rows.each().filter(|&(target, output)| rows.class(target) == largest(output)).count();
        add(cells, right, rows.output.len() / rows.width);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        fraction(cells)
    }
}

impl<F: Real> Tally<F> for SparseCategoricalAccuracy {
    fn cells(&self, width: usize) -> usize {
        Tally::<F>::cells(&CategoricalAccuracy, width)
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        CategoricalAccuracy.update(rows, cells);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        fraction(cells)
    }
}

impl<F: Real> Tally<F> for Accuracy {
    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        if rows.width == 1 {
            BinaryAccuracy::default().update(rows, cells);
        } else {
            CategoricalAccuracy.update(rows, cells);
        }
    }

    fn result(&self, cells: &[f64]) -> f64 {
        fraction(cells)
    }
}

fn add(cells: &mut [f64], right: usize, all: usize) {
    if let [sum, count] = cells {
        *sum += right as f64;
        *count += all as f64;
    }
}

fn fraction(cells: &[f64]) -> f64 {
    match cells {
        [right, all] => ratio(*right, *all),
        _ => 0.0,
    }
}
