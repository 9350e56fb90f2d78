//! [`Standardize`].

use super::{Step, affine::Affine, range};
use serde::{Deserialize, Serialize};

/// (x - mean) / standard deviation (population), as scikit-learn's StandardScaler.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Standardize {
    /// Whether to subtract the mean.
    pub with_mean: bool,
    /// Whether to divide by the standard deviation.
    pub with_std: bool,
}

impl Default for Standardize {
    fn default() -> Self {
        Self { with_mean: true, with_std: true }
    }
}

impl Step for Standardize {
    type Fitted = Affine;

    fn fit(&self, values: &[f64]) -> Affine {
        let count = values.len() as f64;
        let (min, max) = range(values);
        // sums of differences to a value of the column stay exact where the mean is large beside the deviation
        let mean = min + values.iter().map(|value| value - min).sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
        let factor = 1.0 / variance.sqrt();
        // squares of tiny deviations are 0 in f64; those of shares of the range are not
        let share = || values.iter().map(|value| ((value - mean) / (max - min)).powi(2)).sum::<f64>() / count;
        let factor = if factor.is_finite() { factor } else { 1.0 / (share().sqrt() * (max - min)) };
        Affine {
            offset: if self.with_mean { mean } else { 0.0 },
            factor: if self.with_std && factor.is_finite() { factor } else { 1.0 },
        }
    }
}
