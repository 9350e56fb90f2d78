//! [`MinMax`].

use super::{Apply, Step, range};
use crate::engine::{field::FieldError, fit::Rescale};
use serde::{Deserialize, Serialize};

/// (x - min) / (max - min), as scikit-learn's MinMaxScaler.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MinMax {
    /// What the minimum and the maximum become.
    pub feature_range: [f64; 2],
    /// Whether numbers outside the range of the training rows become its ends. A prediction warns of them.
    pub clip: bool,
}

impl Default for MinMax {
    fn default() -> Self {
        Self { feature_range: [0.0, 1.0], clip: false }
    }
}

/// low + (x - min) * factor
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    min: f64,
    max: f64,
    factor: f64,
    low: f64,
    clip: bool,
}

impl Step for MinMax {
    type Fitted = Range;

    fn check(&self) -> Result<(), FieldError> {
        let [low, high] = self.feature_range;
        if low < high {
            return Ok(());
        }
        Err(FieldError::new(
            "/feature_range",
            format!("expected a minimum below the maximum, received {low} and {high}"),
        ))
    }

    fn fit(&self, values: &[f64]) -> Range {
        let (min, max) = range(values);
        let [low, high] = self.feature_range;
        let factor = if max > min { (high - low) / (max - min) } else { 1.0 };
        Range { min, max, factor, low, clip: self.clip }
    }
}

impl Apply for Range {
    #[inline]
    fn apply(&self, value: f64) -> f64 {
        let value = if self.clip { value.clamp(self.min, self.max) } else { value };
        (value - self.min) * self.factor + self.low
    }

    fn inverse(&self) -> Option<Rescale> {
        let factor = 1.0 / self.factor;
        (!self.clip).then_some(Rescale::Affine { factor, offset: self.min - self.low * factor })
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        self.clip.then_some((self.min, self.max))
    }
}
