//! [`NonNeg`].

use super::Projection;
use crate::engine::{real::Real, shape::Shape};

/// `max(w, 0)`.
///
/// Source: <https://keras.io/api/layers/constraints/>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonNeg;

impl<F: Real> Projection<F> for NonNeg {
    fn apply(&self, weights: &mut [F], _: &Shape) {
        weights.iter_mut().for_each(|weight| *weight = weight.maximum(F::ZERO));
    }
}
