//! [`R2Score`].

use super::{Accumulator, Rows, ratio};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `1 - sum (t - y)^2 / sum (t - mean t)^2`, averaged over the output's elements.
///
/// 0 for constant targets (Keras: 0 or NaN). With p `num_regressors` it is the adjusted R2 score
/// `1 - (1 - r) (n - 1) / (n - p - 1)`, where as in Keras n is the number of elements, if more than p + 1.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/#r2score-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct R2Score {
    /// Averaging over output elements.
    pub class_aggregation: Aggregation,
    /// Number of regressors of the adjusted R2 score; 0 for no adjustment.
    pub num_regressors: u32,
}

/// Averaging over output elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Unweighted mean.
    #[default]
    UniformAverage,
    /// Mean weighted by the variance of the targets.
    VarianceWeightedAverage,
}

const SUMS: usize = 4;

/// Sums, for each output element: rows, targets, squared targets, squared errors.
impl<F: Real> Accumulator<F> for R2Score {
    fn needs_target_per_output(&self) -> bool {
        true
    }

    fn sums(&self, width: usize) -> usize {
        SUMS * width
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        for (targets, output) in rows.each() {
            let (sums, _) = sums.as_chunks_mut::<SUMS>();
            for (([count, sum, squares, errors], &target), &output) in sums.iter_mut().zip(targets).zip(output) {
                let (target, output) = (target.to_f64(), output.to_f64());
                *count += 1.0;
                *sum += target;
                *squares += target * target;
                *errors += (target - output) * (target - output);
            }
        }
    }

    fn result(&self, sums: &[f64]) -> f64 {
        let (sums, _) = sums.as_chunks::<SUMS>();
        let spread = |[count, sum, squares, _]: &[f64; SUMS]| (squares - sum * ratio(*sum, *count)).max(0.0);
        let score = |element: &[f64; SUMS]| match spread(element) {
            0.0 => 0.0,
            spread => 1.0 - element[3] / spread,
        };
        let score = match self.class_aggregation {
            Aggregation::UniformAverage => ratio(sums.iter().map(score).sum(), sums.len() as f64),
            Aggregation::VarianceWeightedAverage => {
                let weighted = sums.iter().map(|element| spread(element) * score(element)).sum();
                ratio(weighted, sums.iter().map(spread).sum())
            }
        };
        let rest = sums.iter().map(|element| element[0]).sum::<f64>() - 1.0;
        let regressors = f64::from(self.num_regressors);
        if regressors > 0.0 && regressors < rest { 1.0 - (1.0 - score) * rest / (rest - regressors) } else { score }
    }
}
