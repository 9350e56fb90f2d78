//! Losses as metrics: their mean over rows or elements. The settings are those of the loss.

use super::{Accumulator, Goal, Rows, ratio};
use crate::engine::{
    field::FieldError,
    loss::{
        BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, ElementwiseLoss, Hinge,
        KlDivergence, LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
        MeanSquaredLogarithmicError, Poisson, RowLoss, SparseCategoricalCrossentropy, SquaredHinge,
    },
    real::{Real, check},
};

/// `sqrt(mean (y - t)^2)`, the mean over all rows.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#rootmeansquarederror-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootMeanSquaredError;

fn add(sums: &mut [f64], losses: f64, count: usize) {
    if let [sum, all] = sums {
        *sum += losses;
        *all += count as f64;
    }
}

fn add_elements<F: Real>(rows: &Rows<'_, F>, sums: &mut [f64], loss: &impl ElementwiseLoss) {
    let pairs = rows.targets.iter().zip(rows.output);
    add(sums, pairs.map(|(&target, &output)| loss.element(target, output).0.to_f64()).sum(), rows.output.len());
}

fn mean(sums: &[f64]) -> f64 {
    match sums {
        [sum, count] => ratio(*sum, *count),
        _ => 0.0,
    }
}

/// Sums: losses, and the number of elements or rows. `check` validates settings.
macro_rules! means {
    ($($loss:ident: $goal:ident, $update:expr $(, check $check:expr)?;)*) => {$(
        impl<F: Real> Accumulator<F> for $loss {
            fn goal(&self) -> Option<Goal> {
                Some(Goal::$goal)
            }

            $(fn check(&self) -> Result<(), FieldError> {
                $check(self)
            })?

            fn needs_target_per_output(&self) -> bool {
                true
            }

            fn sums(&self, _width: usize) -> usize {
                2
            }

            fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
                $update(rows, sums, self);
            }

            fn result(&self, sums: &[f64]) -> f64 {
                mean(sums)
            }
        }
    )*};
}

means! {
    MeanSquaredError: Minimize, add_elements;
    MeanAbsoluteError: Minimize, add_elements;
    MeanAbsolutePercentageError: Minimize, add_elements;
    MeanSquaredLogarithmicError: Minimize, add_elements;
    LogCosh: Minimize, add_elements;
    Hinge: Minimize, add_elements;
    SquaredHinge: Minimize, add_elements;
    Poisson: Minimize, add_elements;
    BinaryCrossentropy: Minimize, add_elements, check |loss: &Self| check::fraction("/label_smoothing", loss.label_smoothing);
    CategoricalCrossentropy: Minimize, add_rows, check |loss: &Self| check::fraction("/label_smoothing", loss.label_smoothing);
    CategoricalHinge: Minimize, add_rows;
    KlDivergence: Minimize, add_rows;
    CosineSimilarity: Maximize, subtract_rows;
}

fn sum_of_rows<F: Real>(rows: &Rows<'_, F>, loss: &impl RowLoss) -> f64 {
    rows.each().map(|(targets, output)| loss.row(targets, output).to_f64()).sum()
}

fn add_rows<F: Real>(rows: &Rows<'_, F>, sums: &mut [f64], loss: &impl RowLoss) {
    add(sums, sum_of_rows(rows, loss), rows.output.len() / rows.width);
}

/// For a metric with the opposite sign of the loss.
fn subtract_rows<F: Real>(rows: &Rows<'_, F>, sums: &mut [f64], loss: &impl RowLoss) {
    add(sums, -sum_of_rows(rows, loss), rows.output.len() / rows.width);
}

/// Sums: losses, rows.
impl<F: Real> Accumulator<F> for SparseCategoricalCrossentropy {
    fn goal(&self) -> Option<Goal> {
        Some(Goal::Minimize)
    }

    fn sums(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        // As in Keras, a row of the ignored class counts with the loss 0.
        let loss = |(target, output): (&[F], &[F])| match (self.ignore_class, target) {
            (Some(ignored), [class]) if *class == F::of(ignored as f64) => 0.0,
            (Some(ignored), [_, _, ..]) if rows.class(target) as i64 == ignored => 0.0,
            _ => self.row(rows.class(target), output).to_f64(),
        };
        add(sums, rows.each().map(loss).sum(), rows.output.len() / rows.width);
    }

    fn result(&self, sums: &[f64]) -> f64 {
        mean(sums)
    }
}

/// Sums: squared errors, elements.
impl<F: Real> Accumulator<F> for RootMeanSquaredError {
    fn goal(&self) -> Option<Goal> {
        Some(Goal::Minimize)
    }

    fn needs_target_per_output(&self) -> bool {
        true
    }

    fn sums(&self, _width: usize) -> usize {
        2
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        add_elements(rows, sums, &MeanSquaredError);
    }

    fn result(&self, sums: &[f64]) -> f64 {
        mean(sums).sqrt()
    }
}
