//! Means of what losses lose, under the names that Keras gives them as metrics: a loss's settings are the metric's too.

use super::{Better, Rows, Tally, ratio};
use crate::engine::{
    field::FieldError,
    loss::{
        BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, Cellwise, CosineSimilarity, Hinge, KlDivergence,
        LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError,
        Poisson, Rowwise, SparseCategoricalCrossentropy, SquaredHinge,
    },
    real::{Real, check},
};

/// `sqrt(mean (y - t)^2)`, the mean over all rows.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#rootmeansquarederror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootMeanSquaredError;

fn add(cells: &mut [f64], losses: f64, count: usize) {
    if let [sum, all] = cells {
        *sum += losses;
        *all += count as f64;
    }
}

fn add_cells<F: Real>(rows: &Rows<'_, F>, cells: &mut [f64], loss: &impl Cellwise) {
    let pairs = rows.targets.iter().zip(rows.output);
    add(cells, pairs.map(|(&target, &output)| loss.cell(target, output).0.to_f64()).sum(), rows.output.len());
}

fn mean(cells: &[f64]) -> f64 {
    match cells {
        [sum, count] => ratio(*sum, *count),
        _ => 0.0,
    }
}

/// Sums: losses, and what they are of. A `check` refuses settings.
macro_rules! means {
    ($($loss:ident: $better:ident, $update:expr $(, check $check:expr)?;)*) => {$(
        impl<F: Real> Tally<F> for $loss {
            fn better(&self) -> Option<Better> {
                Some(Better::$better)
            }

            $(fn check(&self) -> Result<(), FieldError> {
                $check(self)
            })?

            fn needs_wide_targets(&self) -> bool {
                true
            }

            fn cells(&self, _width: usize) -> usize {
                2
            }

            fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
                $update(rows, cells, self);
            }

            fn result(&self, cells: &[f64]) -> f64 {
                mean(cells)
            }
        }
    )*};
}

means! {
    MeanSquaredError: Less, add_cells;
    MeanAbsoluteError: Less, add_cells;
    MeanAbsolutePercentageError: Less, add_cells;
    MeanSquaredLogarithmicError: Less, add_cells;
    LogCosh: Less, add_cells;
    Hinge: Less, add_cells;
    SquaredHinge: Less, add_cells;
    Poisson: Less, add_cells;
    BinaryCrossentropy: Less, add_cells, check |loss: &Self| check::fraction("/label_smoothing", loss.label_smoothing);
    CategoricalCrossentropy: Less, add_rows, check |loss: &Self| check::fraction("/label_smoothing", loss.label_smoothing);
    CategoricalHinge: Less, add_rows;
    KlDivergence: Less, add_rows;
    CosineSimilarity: More, subtract_rows;
}

fn sum_of_rows<F: Real>(rows: &Rows<'_, F>, loss: &impl Rowwise) -> f64 {
    rows.each().map(|(targets, output)| loss.row(targets, output).to_f64()).sum()
}

fn add_rows<F: Real>(rows: &Rows<'_, F>, cells: &mut [f64], loss: &impl Rowwise) {
    add(cells, sum_of_rows(rows, loss), rows.output.len() / rows.width);
}

/// For a loss that is the less of what the metric is the more of.
fn subtract_rows<F: Real>(rows: &Rows<'_, F>, cells: &mut [f64], loss: &impl Rowwise) {
    add(cells, -sum_of_rows(rows, loss), rows.output.len() / rows.width);
}

/// Sums: losses, rows.
impl<F: Real> Tally<F> for SparseCategoricalCrossentropy {
    fn better(&self) -> Option<Better> {
        Some(Better::Less)
    }

    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        // A row of the ignored class loses nothing, and counts all the same, as it does in Keras.
        let loss = |(target, output): (&[F], &[F])| match (self.ignore_class, target) {
            (Some(ignored), [class]) if *class == F::of(ignored as f64) => 0.0,
            (Some(ignored), [_, _, ..]) if rows.class(target) as i64 == ignored => 0.0,
            _ => self.row(rows.class(target), output).to_f64(),
        };
        add(cells, rows.each().map(loss).sum(), rows.output.len() / rows.width);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells)
    }
}

/// Sums: squared errors, cells.
impl<F: Real> Tally<F> for RootMeanSquaredError {
    fn better(&self) -> Option<Better> {
        Some(Better::Less)
    }

    fn needs_wide_targets(&self) -> bool {
        true
    }

    fn cells(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        add_cells(rows, cells, &MeanSquaredError);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells).sqrt()
    }
}
