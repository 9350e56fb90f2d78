//! [`Affine`].

use super::Apply;
use crate::engine::fit::Rescale;
use serde::{Deserialize, Serialize};

/// (x - offset) * factor
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// The mean, the minimum or the median.
    pub offset: f64,
    /// One over the deviation or the range.
    pub factor: f64,
}

impl Apply for Affine {
    #[inline]
    fn apply(&self, value: f64) -> f64 {
        (value - self.offset) * self.factor
    }

    fn inverse(&self) -> Option<Rescale> {
        Some(Rescale::Affine { factor: 1.0 / self.factor, offset: self.offset })
    }
}

/// One over a deviation or a range; 1 where it is 0, as scikit-learn takes it.
pub(super) fn inverse(spread: f64) -> f64 {
    if spread > 0.0 && (1.0 / spread).is_finite() { 1.0 / spread } else { 1.0 }
}
