//! [`KlDivergence`].

use super::{EPSILON, Learns, Objective, Rows, Rowwise};
use crate::engine::real::Real;

/// `sum t_i ln(t_i / p_i)` over the classes, where t and p are kept within 1e-7 and 1.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#kldivergence-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KlDivergence;

impl Rowwise for KlDivergence {
    #[inline(always)]
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F {
        targets.iter().zip(output).map(|(&target, &output)| class(target, output).0).sum()
    }
}

impl<F: Real> Objective<F> for KlDivergence {
    fn learns(&self) -> Learns {
        Learns::Shares
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        rows.each_row(
            rows.width,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                let mut loss = F::ZERO;
                for ((gradient, &target), &output) in gradient.iter_mut().zip(targets).zip(output) {
                    let (part, derivative) = class(target, output);
                    loss += part;
                    *gradient = scale * derivative;
                }
                loss
            },
        )
    }
}

/// One class's part of the loss, and its derivative.
#[inline(always)]
fn class<F: Real>(target: F, output: F) -> (F, F) {
    let least = F::of(EPSILON);
    let keep = |share: F| if share < least { least } else { share.minimum_or_nan(F::ONE) };
    let (t, p) = (keep(target), keep(output));
    (t * (t / p).ln(), if p == output { -t / p } else { F::ZERO })
}
