//! [`R2Score`].

use super::{Rows, Tally, ratio};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `1 - sum (t - y)^2 / sum (t - mean t)^2`, the mean of that over the output's cells.
///
/// Where targets do not vary it is 0 (Keras: 0 or NaN). With p `num_regressors` it is adjusted for so many features:
/// `1 - (1 - r) (n - 1) / (n - p - 1)`, where n counts all cells, as Keras does, and is more than p + 1.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#r2score-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct R2Score {
    /// How several output cells become one number.
    pub class_aggregation: Aggregation,
    /// How many features the score is adjusted for; 0 for no adjustment.
    pub num_regressors: u32,
}

/// A mean over output cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Each cell counts as much.
    #[default]
    UniformAverage,
    /// Each cell counts as its targets vary.
    VarianceWeightedAverage,
}

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
        let spread = |[count, sum, squares, _]: &[f64; SUMS]| (squares - sum * ratio(*sum, *count)).max(0.0);
        let score = |cell: &[f64; SUMS]| match spread(cell) {
            0.0 => 0.0,
            spread => 1.0 - cell[3] / spread,
        };
        let score = match self.class_aggregation {
            Aggregation::UniformAverage => ratio(cells.iter().map(score).sum(), cells.len() as f64),
            Aggregation::VarianceWeightedAverage => {
                let weighted = cells.iter().map(|cell| spread(cell) * score(cell)).sum();
                ratio(weighted, cells.iter().map(spread).sum())
            }
        };
        let rest = cells.iter().map(|cell| cell[0]).sum::<f64>() - 1.0;
        let regressors = f64::from(self.num_regressors);
        if regressors > 0.0 && regressors < rest { 1.0 - (1.0 - score) * rest / (rest - regressors) } else { score }
    }
}
