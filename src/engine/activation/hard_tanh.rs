//! [`HardTanh`].

use super::{Function, chain, map};
use crate::engine::real::Real;

/// `f(x) = x`, clipped to -1..1.
///
/// Source: <https://keras.io/api/layers/activations/#hardtanh-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardTanh;

impl<F: Real> Function<F> for HardTanh {
    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn forward(&self, x: &mut [F], _width: usize) {
        map(
            x,
            #[inline(always)]
            |x| x.minimum_or_nan(F::ONE).maximum_or_nan(-F::ONE),
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], _width: usize) {
        chain(
            y,
            gradient,
            #[inline(always)]
            |y| if y.abs() < F::ONE { F::ONE } else { F::ZERO },
        );
    }
}
