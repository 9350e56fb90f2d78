//! [`R2Score`].

use super::{Rows, Tally};
use crate::engine::real::Real;

/// `1 - sum (t - y)^2 / sum (t - mean t)^2`, the mean of that over the output's cells.
///
/// Where targets do not vary it is 0 (Keras: 0 or NaN).
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#r2score-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct R2Score;

const SUMS: usize = 4;

/// Sums, for each output cell: rows, targets, squared targets, squared errors.
impl<F: Real> Tally<F> for R2Score {
    fn needs_wide_targets(&self) -> bool {
        true
    }

    fn cells(&self, width: usize) -> usize {
        SUMS * width
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        for (targets, output) in rows.each() {
            let (cells, _) = cells.as_chunks_mut::<SUMS>();
            for (([count, sum, squares, errors], &target), &output) in cells.iter_mut().zip(targets).zip(output) {
                let (target, output) = (target.to_f64(), output.to_f64());
                *count += 1.0;
                *sum += target;
                *squares += target * target;
                *errors += (target - output) * (target - output);
            }
        }
    }

    fn result(&self, cells: &[f64]) -> f64 {
        let (cells, _) = cells.as_chunks::<SUMS>();
        let score = |[count, sum, squares, errors]: &[f64; SUMS]| {
            let spread = squares - sum * sum / count;
            if spread > 0.0 { 1.0 - errors / spread } else { 0.0 }
        };
        cells.iter().map(score).sum::<f64>() / cells.len().max(1) as f64
    }
}
