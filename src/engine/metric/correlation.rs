//! [`PearsonCorrelation`] and [`ConcordanceCorrelation`] of the outputs and targets of each row.

use super::{Accumulator, Rows, ratio};
use crate::engine::{field::FieldError, real::Real};

/// `sum (t - mean t) (y - mean y) / sqrt(sum (t - mean t)² sum (y - mean y)²)` of the elements of each row, -1 to 1;
/// the mean over rows. A row with constant targets or outputs counts as 0 (Keras: NaN).
///
/// Source: <https://keras.io/api/metrics/regression_metrics/>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PearsonCorrelation;

/// `2 mean((t - mean t) (y - mean y)) / (var t + var y + (mean t - mean y)² + 1e-7)` of the elements of each row, -1 to
/// 1; the mean over rows.
///
/// Source: <https://keras.io/api/metrics/regression_metrics/>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcordanceCorrelation;

/// Means, variances and covariance of the targets and outputs of a row.
struct Moments {
    means: [f64; 2],
    variances: [f64; 2],
    covariance: f64,
}

impl Moments {
    fn of<F: Real>(targets: &[F], output: &[F]) -> Self {
        let count = output.len() as f64;
        let pairs = || targets.iter().zip(output).map(|(t, y)| [t.to_f64(), y.to_f64()]);
        let mean = |term: &dyn Fn([f64; 2]) -> f64| ratio(pairs().map(term).sum(), count);
        let means = [mean(&|[t, _]| t), mean(&|[_, y]| y)];
        Self {
            means,
            variances: [mean(&|[t, _]| (t - means[0]).powi(2)), mean(&|[_, y]| (y - means[1]).powi(2))],
            covariance: mean(&|[t, y]| (t - means[0]) * (y - means[1])),
        }
    }

    fn pearson(&self) -> f64 {
        ratio(self.covariance, (self.variances[0] * self.variances[1]).sqrt())
    }

    fn concordance(&self) -> f64 {
        const EPSILON: f64 = 1e-7;
        let apart = (self.means[0] - self.means[1]).powi(2);
        2.0 * self.covariance / (self.variances[0] + self.variances[1] + apart + EPSILON)
    }
}

/// Sums: correlations, rows.
macro_rules! correlations {
    ($($metric:ident: $of_row:ident;)*) => {$(
        impl<F: Real> Accumulator<F> for $metric {
            fn needs_target_per_output(&self) -> bool {
                true
            }

            fn check_width(&self, width: usize) -> Result<(), FieldError> {
                match width {
                    0 | 1 => Err(FieldError::new("", "expected an output of at least 2 elements")),
                    _ => Ok(()),
                }
            }

            fn sums(&self, _width: usize) -> usize {
                2
            }

            fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
                if let [sum, count] = sums {
                    for (targets, output) in rows.each() {
                        *sum += Moments::of(targets, output).$of_row();
                        *count += 1.0;
                    }
                }
            }

            fn result(&self, sums: &[f64]) -> f64 {
                match sums {
                    [sum, count] => ratio(*sum, *count),
                    _ => 0.0,
                }
            }
        }
    )*};
}

correlations! {
    PearsonCorrelation: pearson;
    ConcordanceCorrelation: concordance;
}
