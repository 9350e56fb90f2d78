//! Means of errors.

use super::{Rows, Tally, ratio};
use crate::engine::real::Real;

/// `mean (y - t)^2`.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#meansquarederror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanSquaredError;

/// `mean |y - t|`.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#meanabsoluteerror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanAbsoluteError;

/// `sqrt(mean (y - t)^2)`, the mean over all rows.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#rootmeansquarederror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootMeanSquaredError;

/// Adds to the sums: errors, cells.
fn add<F: Real>(rows: &Rows<'_, F>, cells: &mut [f64], error: impl Fn(f64) -> f64) {
    if let [sum, count] = cells {
        let pairs = rows.targets.iter().zip(rows.output);
        *sum += pairs.map(|(&target, &output)| error((output - target).to_f64())).sum::<f64>();
        *count += rows.output.len() as f64;
    }
}

fn mean(cells: &[f64]) -> f64 {
    match cells {
        [sum, count] => ratio(*sum, *count),
        _ => 0.0,
    }
}

impl<F: Real> Tally<F> for MeanSquaredError {
    fn needs_wide_targets(&self) -> bool {
        true
    }

    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        add(rows, cells, |error| error * error);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells)
    }
}

impl<F: Real> Tally<F> for MeanAbsoluteError {
    fn needs_wide_targets(&self) -> bool {
        true
    }

    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        add(rows, cells, f64::abs);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells)
    }
}

impl<F: Real> Tally<F> for RootMeanSquaredError {
    fn needs_wide_targets(&self) -> bool {
        true
    }

    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        add(rows, cells, |error| error * error);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells).sqrt()
    }
}
