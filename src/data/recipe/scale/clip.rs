//! [`Clip`].

use super::{Apply, Step, quantile_of, sorted};
use crate::engine::field::FieldError;
use serde::{Deserialize, Serialize};

/// Numbers outside bounds become the bounds. A prediction warns of them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clip {
    /// Lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Bounds as shares of the training rows, from 0 to 1, where `min` and `max` are left out. Default: their range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<[f64; 2]>,
}

/// Fitted bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clipped {
    min: Option<f64>,
    max: Option<f64>,
}

impl Step for Clip {
    type Fitted = Clipped;

    fn check(&self) -> Result<(), FieldError> {
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min >= max
        {
            return Err(FieldError::new("/min", format!("expected a minimum below the maximum {max}, received {min}")));
        }
        if let Some([low, high]) = self.quantiles {
            if !(0.0 <= low && low < high && high <= 1.0) {
                let detail = format!("expected two shares from 0 to 1, the lower one first, received {low} and {high}");
                return Err(FieldError::new("/quantiles", detail));
            }
            if self.min.is_some() || self.max.is_some() {
                return Err(FieldError::new("/quantiles", "expected `quantiles`, or `min` and `max`, received both"));
            }
        }
        Ok(())
    }

    fn fit(&self, values: &[f64]) -> Clipped {
        if self.min.is_some() || self.max.is_some() {
            return Clipped { min: self.min, max: self.max };
        }
        let sorted = sorted(values);
        let [low, high] = self.quantiles.unwrap_or([0.0, 1.0]);
        Clipped { min: Some(quantile_of(&sorted, low)), max: Some(quantile_of(&sorted, high)) }
    }
}

impl Apply for Clipped {
    #[inline]
    fn apply(&self, value: f64) -> f64 {
        let value = self.min.map_or(value, |min| value.max(min));
        self.max.map_or(value, |max| value.min(max))
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY)))
    }
}
