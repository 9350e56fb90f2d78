//! [`Quantile`].

use super::{Apply, Step, normal, quantile_of, sorted};
use crate::engine::field::FieldError;
use serde::{Deserialize, Serialize};

/// The share of training values below a number, as scikit-learn's QuantileTransformer; all training rows are used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quantile {
    /// Number of quantiles, at most that of the training rows.
    #[schema(minimum = 2, maximum = 100000)]
    pub n_quantiles: usize,
    /// What the scaled numbers are distributed as.
    pub output_distribution: OutputDistribution,
}

/// What scaled numbers are distributed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputDistribution {
    /// From 0 to 1.
    #[default]
    Uniform,
    /// The standard normal distribution, within ±5.2.
    Normal,
}

impl Default for Quantile {
    fn default() -> Self {
        Self { n_quantiles: 1000, output_distribution: OutputDistribution::default() }
    }
}

/// Fitted quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// In order; the share of each is its place among them.
    quantiles: Vec<f64>,
    output_distribution: OutputDistribution,
}

impl Step for Quantile {
    type Fitted = Quantiles;

    fn check(&self) -> Result<(), FieldError> {
        const MAX: usize = 100_000;
        match self.n_quantiles {
            2..=MAX => Ok(()),
            other => Err(FieldError::new("/n_quantiles", format!("expected 2 to {MAX}, received {other}"))),
        }
    }

    fn fit(&self, values: &[f64]) -> Quantiles {
        let sorted = sorted(values);
        let count = self.n_quantiles.min(sorted.len()).max(2);
        // in the order of operations of scikit-learn and numpy: among equal numbers the rounding decides where they begin
        let step = 1.0 / (count - 1) as f64;
        let share = |index: usize| if index + 1 == count { 1.0 } else { index as f64 * step * 100.0 / 100.0 };
        let quantiles = (0..count).map(|index| quantile_of(&sorted, share(index))).collect();
        Quantiles { quantiles, output_distribution: self.output_distribution }
    }
}

/// scikit-learn's `BOUNDS_THRESHOLD`.
const THRESHOLD: f64 = 1e-7;

impl Quantiles {
    /// The share of a number: the mean of the first and the last place where quantiles are equal to it.
    fn share(&self, value: f64) -> f64 {
        let all = self.quantiles.as_slice();
        let last = all.len().saturating_sub(1) as f64;
        let at = |index: usize| all.get(index).copied().unwrap_or_default();
        let between = |low: usize| {
            let (a, b) = (at(low), at(low + 1));
            (low as f64 + if b > a { (value - a) / (b - a) } else { 0.0 }) / last
        };
        let below = all.partition_point(|&quantile| quantile < value);
        let upto = all.partition_point(|&quantile| quantile <= value);
        if below == upto {
            return between(below.saturating_sub(1));
        }
        (below as f64 + (upto - 1) as f64) / (2.0 * last)
    }
}

impl Apply for Quantiles {
    fn apply(&self, value: f64) -> f64 {
        let (Some(&first), Some(&last)) = (self.quantiles.first(), self.quantiles.last()) else { return value };
        let is_normal = self.output_distribution == OutputDistribution::Normal;
        let margin = if is_normal { THRESHOLD } else { 0.0 };
        let share = match value {
            _ if value - margin <= first => 0.0,
            _ if value + margin >= last => 1.0,
            _ => self.share(value),
        };
        if !is_normal {
            return share;
        }
        let least = normal::deviate(THRESHOLD - f64::EPSILON);
        normal::deviate(share).clamp(least, -least)
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        self.quantiles.first().copied().zip(self.quantiles.last().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_the_share_that_scikit_learn_gives_them() {
        let values: Vec<f64> = (0..13).map(|row| f64::from(row * row % 7)).collect();
        let fitted = Quantile::default().fit(&values);
        // of QuantileTransformer(n_quantiles=13), 1.9.1
        for (value, share) in [(0.0, 0.0), (1.0, 0.291_666_666_666_666_63), (2.0, 0.541_666_666_666_666_6), (4.0, 1.0)]
        {
            assert!((fitted.apply(value) - share).abs() < 1e-12, "{value}: {}", fitted.apply(value));
        }
    }
}
