//! [`Linear`].

use super::Function;
use crate::engine::real::Real;

/// `f(x) = x`.
///
/// Source: <https://keras.io/api/layers/activations/#linear-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear;

impl<F: Real> Function<F> for Linear {
    fn forward(&self, _x: &mut [F], _width: usize) {}

    fn backward(&self, _x: &[F], _y: &[F], _gradient: &mut [F], _width: usize) {}
}
