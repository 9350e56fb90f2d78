//! [`Rescale`]: from the numbers that a network learns to those of the target.

use crate::engine::real::Real;

/// A step that undoes the scaling of targets, before metrics are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rescale {
    /// x * factor + offset
    Affine {
        /// The deviation or the range.
        factor: f64,
        /// The mean or the minimum.
        offset: f64,
    },
    /// exp(x) - 1
    ExpM1,
}

impl Rescale {
    /// The number before scaling.
    #[inline]
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Self::Affine { factor, offset } => value * factor + offset,
            Self::ExpM1 => value.exp_m1(),
        }
    }
}

/// Writes `values` in the units of the targets to `rescaled`; `steps` are those of each column in turn.
pub(super) fn rescale<F: Real>(values: &[F], steps: &[Vec<Rescale>], rescaled: &mut [F]) {
    for ((rescaled, value), steps) in rescaled.iter_mut().zip(values).zip(steps.iter().cycle()) {
        *rescaled = F::of(steps.iter().fold(value.to_f64(), |value, step| step.apply(value)));
    }
}
