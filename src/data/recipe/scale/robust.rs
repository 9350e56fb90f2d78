//! [`Robust`].

use super::{
    Step,
    affine::{Affine, inverse},
    normal, quantile_of, sorted,
};
use crate::engine::field::FieldError;
use serde::{Deserialize, Serialize};

/// (x - median) / (third quartile - first quartile), as scikit-learn's RobustScaler.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Robust {
    /// Whether to subtract the median.
    pub with_centering: bool,
    /// Whether to divide by the range of quantiles.
    pub with_scaling: bool,
    /// The quantiles in percent.
    pub quantile_range: [f64; 2],
    /// Whether normal numbers get a variance of 1.
    pub unit_variance: bool,
}

impl Default for Robust {
    fn default() -> Self {
        Self { with_centering: true, with_scaling: true, quantile_range: [25.0, 75.0], unit_variance: false }
    }
}

impl Step for Robust {
    type Fitted = Affine;

    fn check(&self) -> Result<(), FieldError> {
        let [low, high] = self.quantile_range;
        if 0.0 <= low && low < high && high <= 100.0 {
            return Ok(());
        }
        let detail = format!("expected two quantiles in percent, the lower one first, received {low} and {high}");
        Err(FieldError::new("/quantile_range", detail))
    }

    fn fit(&self, values: &[f64]) -> Affine {
        let sorted = sorted(values);
        let [low, high] = self.quantile_range.map(|percent| percent / 100.0);
        let mut spread = quantile_of(&sorted, high) - quantile_of(&sorted, low);
        if self.unit_variance {
            spread /= normal::deviate(high) - normal::deviate(low);
        }
        Affine {
            offset: if self.with_centering { quantile_of(&sorted, 0.5) } else { 0.0 },
            factor: if self.with_scaling { inverse(spread) } else { 1.0 },
        }
    }
}
