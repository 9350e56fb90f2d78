//! Sums in a fixed order.

use super::vectorized;
use crate::engine::real::Real;

/// The sum of f(x) in a fixed order that vectorizes: eight partial sums, added at the end of each block.
#[inline(always)]
pub(crate) fn sum<F: Real>(x: &[F], f: impl Fn(F) -> F) -> f64 {
    const PARTS: usize = 8;
    vectorized(
        #[inline(always)]
        || {
            // Blocks keep the rounding of f32 sums small; their totals are added in f64.
            let mut total = 0.0;
            for block in x.chunks(64 * PARTS) {
                let mut parts = [F::ZERO; PARTS];
                let (elements, rest) = block.as_chunks::<PARTS>();
                for elements in elements {
                    for (part, &x) in parts.iter_mut().zip(elements) {
                        *part += f(x);
                    }
                }
                for (part, &x) in parts.iter_mut().zip(rest) {
                    *part += f(x);
                }
                total += parts.iter().map(|part| part.to_f64()).sum::<f64>();
            }
            total
        },
    )
}
