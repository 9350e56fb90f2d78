//! [`SparseCategoricalCrossentropy`].

use super::{EPSILON, Objective, Rows};
use crate::engine::{activation::Activation, kernel::vectorized, real::Real};
use serde::{Deserialize, Serialize};

/// `-ln p_t` for a target that is the index t of a class.
///
/// From logits p is their softmax. Probabilities are first kept within 1e-7 of 0 and 1 and then divided by their sum.
/// A target that is no class makes the loss NaN.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SparseCategoricalCrossentropy {
    /// Whether the network's output are logits.
    pub from_logits: bool,
}

impl<F: Real> Objective<F> for SparseCategoricalCrossentropy {
    fn sparse(&self) -> bool {
        true
    }

    fn absorbs(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        let logits = rows.logits || self.from_logits;
        vectorized(
            #[inline(always)]
            || {
                let mut total = 0.0;
                let cells = gradient.chunks_exact_mut(rows.width).zip(rows.targets);
                for (row, ((gradient, &target), output)) in cells.zip(rows.output.chunks_exact(rows.width)).enumerate()
                {
                    let weight = rows.weight(row);
                    let scale = rows.scale * weight;
                    let class = target.to_f64() as usize;
                    let loss = if logits {
                        from_logits(class, output, gradient, scale)
                    } else {
                        from_probabilities(class, output, gradient, scale)
                    };
                    total += weight.to_f64() * loss.to_f64();
                }
                total
            },
        )
    }
}

#[inline(always)]
fn from_logits<F: Real>(class: usize, x: &[F], gradient: &mut [F], scale: F) -> F {
    let (largest, sum) = super::exponentials(x, gradient);
    let (Some(&x), true) = (x.get(class), sum.finite()) else { return F::of(f64::NAN) };
    let share = scale / sum;
    gradient.iter_mut().for_each(|gradient| *gradient *= share);
    if let Some(gradient) = gradient.get_mut(class) {
        *gradient -= scale;
    }
    sum.ln() - (x - largest)
}

#[inline(always)]
fn from_probabilities<F: Real>(class: usize, output: &[F], gradient: &mut [F], scale: F) -> F {
    let (least, most) = (F::of(EPSILON), F::of(1.0 - EPSILON));
    let keep = |output: F| if output < least { least } else { output.minimum_or_nan(most) };
    let mut sum = F::ZERO;
    output.iter().for_each(|&output| sum += keep(output));
    let Some(&received) = output.get(class) else { return F::of(f64::NAN) };
    let p = keep(received);
    for (gradient, &output) in gradient.iter_mut().zip(output) {
        *gradient = if keep(output) == output { scale / sum } else { F::ZERO };
    }
    if let (Some(gradient), true) = (gradient.get_mut(class), p == received) {
        *gradient -= scale / p;
    }
    sum.ln() - p.ln()
}
