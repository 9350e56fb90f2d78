//! [`LogSoftmax`].

use super::Function;
use crate::engine::{kernel::vectorized, real::Real};

/// `f(x)_i = x_i - ln(sum_j exp(x_j))`, along the last axis.
///
/// Source: <https://keras.io/api/layers/activations/#logsoftmax-function>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSoftmax;

impl<F: Real> Function<F> for LogSoftmax {
    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 0.0)
    }

    fn forward(&self, x: &mut [F], width: usize) {
        vectorized(
            #[inline(always)]
            || {
                for row in x.chunks_exact_mut(width) {
                    let largest = row.iter().fold(F::of(f64::NEG_INFINITY), |largest, &x| largest.maximum(x));
                    let mut sum = F::ZERO;
                    for &x in row.iter() {
                        sum += (x - largest).exp();
                    }
                    let shift = sum.ln();
                    row.iter_mut().for_each(|x| *x = *x - largest - shift);
                }
            },
        );
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], width: usize) {
        vectorized(
            #[inline(always)]
            || {
                for (gradient, y) in gradient.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                    let total: F = gradient.iter().copied().sum();
                    gradient.iter_mut().zip(y).for_each(|(gradient, &y)| *gradient -= y.exp() * total);
                }
            },
        );
    }
}
