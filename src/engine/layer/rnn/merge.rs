//! [`MergeMode`].

use crate::engine::{kernel::vectorized, real::Real};
use serde::{Deserialize, Serialize};

/// How the outputs of both directions become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// One after the other, along the last axis.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Ave,
}

impl MergeMode {
    /// Writes what becomes of two outputs, whose rows have `widths` cells.
    pub(super) fn forward<F: Real>(self, [a, b]: [&[F]; 2], widths: [usize; 2], y: &mut [F]) {
        match self {
            Self::Concat => {
                let rows = a.chunks_exact(widths[0]).zip(b.chunks_exact(widths[1]));
                for (y, (a, b)) in y.chunks_exact_mut(widths[0] + widths[1]).zip(rows) {
                    let (first, second) = y.split_at_mut(widths[0]);
                    first.copy_from_slice(a);
                    second.copy_from_slice(b);
                }
            }
            Self::Sum => each([a, b], y, |a, b| a + b),
            Self::Mul => each([a, b], y, |a, b| a * b),
            Self::Ave => each([a, b], y, |a, b| (a + b) * F::of(0.5)),
        }
    }

    /// Writes the gradient of output `index` of the two, of which `other` is the other one.
    pub(super) fn backward<F: Real>(self, index: usize, other: &[F], widths: [usize; 2], dy: &[F], gradient: &mut [F]) {
        match self {
            Self::Concat => {
                let first = if index == 0 { 0 } else { widths[0] };
                let rows = dy.chunks_exact(widths[0] + widths[1]);
                for (gradient, dy) in gradient.chunks_exact_mut(widths[index]).zip(rows) {
                    gradient.copy_from_slice(&dy[first..][..widths[index]]);
                }
            }
            Self::Sum => gradient.copy_from_slice(dy),
            Self::Mul => each([dy, other], gradient, |dy, other| dy * other),
            Self::Ave => each([dy, dy], gradient, |dy, _| dy * F::of(0.5)),
        }
    }
}

#[inline(always)]
fn each<F: Real>([a, b]: [&[F]; 2], y: &mut [F], f: impl Fn(F, F) -> F) {
    vectorized(
        #[inline(always)]
        || y.iter_mut().zip(a).zip(b).for_each(|((y, &a), &b)| *y = f(a, b)),
    );
}
