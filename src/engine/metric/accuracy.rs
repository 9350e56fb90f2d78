//! [`Accuracy`], and the metrics that it selects by output width.

use super::{Accumulator, Rows, argmax, ratio};
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

/// Fraction of elements for which the output is above the threshold exactly if the target is 1.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#binaryaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryAccuracy {
    /// Outputs above this threshold are positive, 0 to 1.
    pub threshold: f64,
}

/// Fraction of rows whose largest output is that of the target's class.
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

/// Sums: correct elements, elements.
impl<F: Real> Accumulator<F> for BinaryAccuracy {
    fn check(&self) -> Result<(), FieldError> {
        check::fraction("/threshold", self.threshold)
    }

    fn needs_target_per_output(&self) -> bool {
        true
    }

    fn sums(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        let threshold = F::of(self.threshold);
        let pairs = rows.targets.iter().zip(rows.output);
        let right =
            pairs.filter(|&(&target, &output)| target == if output > threshold { F::ONE } else { F::ZERO }).count();
        add(sums, right, rows.output.len());
    }

    fn result(&self, sums: &[f64]) -> f64 {
        fraction(sums)
    }
}

impl<F: Real> Accumulator<F> for CategoricalAccuracy {
    fn sums(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        let right = rows.each().filter(|&(target, output)| rows.class(target) == argmax(output)).count();
        add(sums, right, rows.output.len() / rows.width);
    }

    fn result(&self, sums: &[f64]) -> f64 {
        fraction(sums)
    }
}

impl<F: Real> Accumulator<F> for SparseCategoricalAccuracy {
    fn sums(&self, width: usize) -> usize {
        Accumulator::<F>::sums(&CategoricalAccuracy, width)
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        CategoricalAccuracy.update(rows, sums);
    }

    fn result(&self, sums: &[f64]) -> f64 {
        fraction(sums)
    }
}

impl<F: Real> Accumulator<F> for Accuracy {
    fn sums(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        if rows.width == 1 {
            BinaryAccuracy::default().update(rows, sums);
        } else {
            CategoricalAccuracy.update(rows, sums);
        }
    }

    fn result(&self, sums: &[f64]) -> f64 {
        fraction(sums)
    }
}

fn add(sums: &mut [f64], right: usize, all: usize) {
    if let [sum, count] = sums {
        *sum += right as f64;
        *count += all as f64;
    }
}

fn fraction(sums: &[f64]) -> f64 {
    match sums {
        [right, all] => ratio(*right, *all),
        _ => 0.0,
    }
}
