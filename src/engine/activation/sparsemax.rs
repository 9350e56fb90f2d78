//! [`Sparsemax`].

use super::Function;
use crate::engine::{kernel::vectorized, real::Real};

/// `f(x)_i = max(x_i - tau, 0)`, along the last axis, with the tau for which the outputs sum to 1, as in the paper.
/// Keras 3.15 adds the cumulative sums of all elements above tau instead of the last one; its outputs sum to less than
/// 1.
///
/// Source: <https://keras.io/api/layers/activations/#sparsemax-function>, <https://arxiv.org/abs/1602.02068>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sparsemax;

impl<F: Real> Function<F> for Sparsemax {
    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn forward(&self, x: &mut [F], width: usize) {
        for row in x.chunks_exact_mut(width) {
            let tau = threshold(row);
            vectorized(
                #[inline(always)]
                || {
                    for x in row {
                        // Written so that NaN stays NaN.
                        let above = *x - tau;
                        *x = if above < F::ZERO { F::ZERO } else { above };
                    }
                },
            );
        }
    }

    fn backward(&self, _x: &[F], y: &[F], gradient: &mut [F], width: usize) {
        for (gradient, y) in gradient.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
            let (sum, count) = total(gradient.iter().zip(y).map(|(&gradient, &y)| (gradient, y > F::ZERO)));
            let mean = sum / count.maximum(F::ONE);
            for (gradient, &y) in gradient.iter_mut().zip(y) {
                *gradient = if y > F::ZERO { *gradient - mean } else { F::ZERO };
            }
        }
    }
}

/// tau, by iteration: it increases while elements drop out of the support, which needs no sorted copy.
fn threshold<F: Real>(row: &[F]) -> F {
    let mut tau = F::of(f64::NEG_INFINITY);
    for _ in 0..=row.len() {
        let (sum, count) = total(row.iter().map(|&x| (x, x > tau)));
        let next = (sum - F::ONE) / count;
        if next == tau || count == F::ZERO {
            break;
        }
        tau = next;
    }
    tau
}

/// The sum and the number of the selected elements.
fn total<F: Real>(elements: impl Iterator<Item = (F, bool)>) -> (F, F) {
    elements.fold(
        (F::ZERO, F::ZERO),
        |(sum, count), (element, counts)| {
            if counts { (sum + element, count + F::ONE) } else { (sum, count) }
        },
    )
}
