//! [`SparseCategoricalCrossentropy`].

use super::{Objective, Rows, TargetKind, clip_probability, outputs_probabilities};
use crate::engine::{activation::Activation, real::Real};
use serde::{Deserialize, Serialize};

/// `-ln p_t` for a target that is the index t of a class.
///
/// From logits p is their softmax. Probabilities are clipped to 1e-7 from 0 and 1 and normalized to sum to 1.
/// A target that is no class index makes the loss NaN.
///
/// Source: <https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SparseCategoricalCrossentropy {
    /// Whether outputs are logits.
    pub from_logits: bool,
    /// Class whose rows are ignored: the mean is taken over the others.
    pub ignore_class: Option<i64>,
}

impl SparseCategoricalCrossentropy {
    /// The loss of a row.
    #[inline(always)]
    pub(in crate::engine) fn row<F: Real>(&self, class: usize, output: &[F]) -> F {
        let Some(&received) = output.get(class) else { return F::of(f64::NAN) };
        if self.from_logits {
            super::log_sum_of_exponentials(output) - received
        } else {
            output.iter().map(|&output| clip_probability(output)).sum::<F>().ln() - clip_probability(received).ln()
        }
    }
}

impl<F: Real> Objective<F> for SparseCategoricalCrossentropy {
    fn target_kind(&self) -> TargetKind {
        TargetKind::ClassIndex
    }

    fn is_fused_with(&self, last: Activation) -> bool {
        outputs_probabilities(last)
    }

    fn probability_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }

    fn ignore_class(&self) -> Option<i64> {
        self.ignore_class
    }

    fn expects_logits(&self) -> bool {
        self.from_logits
    }

    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64 {
        let logits = rows.fused.is_some() || self.from_logits;
        let ignored = self.ignore_class.map(|class| F::of(class as f64));
        rows.each_row(
            1,
            gradient,
            #[inline(always)]
            |targets, output, gradient, scale| {
                if targets.first().copied() == ignored {
                    gradient.fill(F::ZERO);
                    return F::ZERO;
                }
                let class = targets.first().map_or(usize::MAX, |target| target.to_f64() as usize);
                if logits {
                    from_logits(class, output, gradient, scale)
                } else {
                    from_probabilities(class, output, gradient, scale)
                }
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
    let mut sum = F::ZERO;
    output.iter().for_each(|&output| sum += clip_probability(output));
    let Some(&received) = output.get(class) else { return F::of(f64::NAN) };
    let p = clip_probability(received);
    for (gradient, &output) in gradient.iter_mut().zip(output) {
        *gradient = if clip_probability(output) == output { scale / sum } else { F::ZERO };
    }
    if let (Some(gradient), true) = (gradient.get_mut(class), p == received) {
        *gradient -= scale / p;
    }
    sum.ln() - p.ln()
}
