//! [`Softmax`].

use super::Function;
use crate::engine::{kernel::vectorized, real::Real};

/// `f(x)_i = exp(x_i) / sum_j exp(x_j)`, along the last axis.
///
/// Source: <https://keras.io/api/layers/activations/#softmax-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax;

impl<F: Real> Function<F> for Softmax {
    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn forward(&self, x: &mut [F], width: usize) {
        vectorized(
            #[inline(always)]
            || {
                // One loop over all exponentials: rows may be too short to vectorize.
                for row in x.chunks_exact_mut(width) {
                    let largest = row.iter().fold(row[0], |largest, &x| largest.maximum(x));
                    row.iter_mut().for_each(|x| *x -= largest);
                }
                x.iter_mut().for_each(|x| *x = x.exp());
                for row in x.chunks_exact_mut(width) {
                    let mut sum = F::ZERO;
                    row.iter().for_each(|&x| sum += x);
                    let scale = F::ONE / sum;
                    row.iter_mut().for_each(|x| *x *= scale);
                }
            },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], width: usize) {
        vectorized(
            #[inline(always)]
            || {
                for (gradient, y) in gradient.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                    let mut mean = F::ZERO;
                    for (&gradient, &y) in gradient.iter().zip(y) {
                        mean += gradient * y;
                    }
                    gradient.iter_mut().zip(y).for_each(|(gradient, &y)| *gradient = y * (*gradient - mean));
                }
            },
        );
    }
}
