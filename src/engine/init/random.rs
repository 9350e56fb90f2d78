//! [`RandomNormal`], [`RandomUniform`] and [`TruncatedNormal`].

use super::{Fill, Stop, draw};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Normal distribution.
///
/// Source: <https://keras.io/api/layers/initializers/#randomnormal-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandomNormal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, at least 0.
    pub stddev: f64,
}

/// Uniform distribution from `minval` to `maxval`.
///
/// Source: <https://keras.io/api/layers/initializers/#randomuniform-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandomUniform {
    /// Lower bound.
    pub minval: f64,
    /// Upper bound, at least `minval`.
    pub maxval: f64,
}

/// Normal distribution, redrawn beyond two standard deviations; `stddev` is that before truncation.
///
/// Source: <https://keras.io/api/layers/initializers/#truncatednormal-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TruncatedNormal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, at least 0.
    pub stddev: f64,
}

impl Default for RandomNormal {
    fn default() -> Self {
        Self { mean: 0.0, stddev: 0.05 }
    }
}

impl Default for RandomUniform {
    fn default() -> Self {
        Self { minval: -0.05, maxval: 0.05 }
    }
}

impl Default for TruncatedNormal {
    fn default() -> Self {
        Self { mean: 0.0, stddev: 0.05 }
    }
}

impl<F: Real> Fill<F> for RandomNormal {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/mean", self.mean)?;
        check::not_negative("/stddev", self.stddev)
    }

    fn fill(&self, _shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        draw::fill(values, stop, || F::of(self.mean + self.stddev * draw::normal(random)));
    }
}

impl<F: Real> Fill<F> for RandomUniform {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/minval", self.minval)?;
        check::finite("/maxval", self.maxval)?;
        if self.minval <= self.maxval {
            return Ok(());
        }
        let detail = format!("expected at least minval ({:?}), received {:?}", self.minval, self.maxval);
        Err(FieldError::new("/maxval", detail))
    }

    fn fill(&self, _shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        draw::fill(values, stop, || F::of(self.minval + (self.maxval - self.minval) * draw::unit(random)));
    }
}

impl<F: Real> Fill<F> for TruncatedNormal {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/mean", self.mean)?;
        check::not_negative("/stddev", self.stddev)
    }

    fn fill(&self, _shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        draw::fill(values, stop, || F::of(self.mean + self.stddev * draw::truncated_normal(random)));
    }
}
