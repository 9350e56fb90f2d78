//! What attention layers have in common: how much each query attends to each key.
//!
//! Weights lie keys first, [keys, queries]: what is summed over the keys of a query then runs along whole rows, and
//! vectorizes.

use crate::engine::{kernel::vectorized, real::Real};
use rand::Rng;

/// Which keys a query may attend to, in one row of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttentionMask<'a, F> {
    /// How many queries there are.
    pub queries: usize,
    /// The queries that are no padding.
    pub query_mask: Option<&'a [F]>,
    /// The keys that are no padding: all of these masks say so.
    pub key_masks: [Option<&'a [F]>; 2],
    /// Only keys up to the query's own step.
    pub causal: bool,
}

impl<F: Real> AttentionMask<'_, F> {
    /// Replaces what belongs to keys that may not be attended to.
    #[inline(always)]
    pub fn hide(&self, weights: &mut [F], hidden: impl Fn(F) -> F) {
        if !self.causal && self.query_mask.is_none() && self.key_masks.iter().all(Option::is_none) {
            return;
        }
        for (key, cells) in weights.chunks_exact_mut(self.queries).enumerate() {
            let padding = self.key_masks.iter().flatten().any(|mask| mask[key] == F::ZERO);
            let first = match padding {
                true => self.queries,
                false if self.causal => key.min(self.queries),
                false => 0,
            };
            let (before, rest) = cells.split_at_mut(first);
            before.iter_mut().for_each(|cell| *cell = hidden(*cell));
            if let Some(mask) = self.query_mask {
                for (cell, &mask) in rest.iter_mut().zip(&mask[first..]) {
                    *cell = if mask == F::ZERO { hidden(*cell) } else { *cell };
                }
            }
        }
    }
}

/// Replaces scores, [keys, queries], by `softmax(scale * scores)` over the keys. `scratch`: two elements a query.
pub(crate) fn softmax<F: Real>(scores: &mut [F], queries: usize, scale: F, scratch: &mut [F]) {
    let (largest, sums) = scratch.split_at_mut(queries);
    vectorized(
        #[inline(always)]
        || {
            largest.copy_from_slice(&scores[..queries]);
            for row in scores.chunks_exact(queries) {
                for (largest, &score) in largest.iter_mut().zip(row) {
                    *largest = largest.maximum(score);
                }
            }
            sums.fill(F::ZERO);
            for row in scores.chunks_exact_mut(queries) {
                for ((score, &largest), sum) in row.iter_mut().zip(&*largest).zip(&mut *sums) {
                    *score = ((*score - largest) * scale).exp();
                    *sum += *score;
                }
            }
            sums.iter_mut().for_each(|sum| *sum = F::ONE / *sum);
            for row in scores.chunks_exact_mut(queries) {
                row.iter_mut().zip(&*sums).for_each(|(weight, &scale)| *weight *= scale);
            }
        },
    );
}

/// Replaces the gradient of what is left of the weights after dropout by that of the scores, [keys, queries]. `sums`: a
/// element a query.
pub(crate) fn softmax_backward<F: Real>(weights: &[F], left: &[F], gradient: &mut [F], scale: F, sums: &mut [F]) {
    let queries = sums.len();
    vectorized(
        #[inline(always)]
        || {
            sums.fill(F::ZERO);
            for (left, gradient) in left.chunks_exact(queries).zip(gradient.chunks_exact_mut(queries)) {
                for ((&left, gradient), sum) in left.iter().zip(gradient).zip(&mut *sums) {
                    *gradient *= left;
                    *sum += *gradient;
                }
            }
            for (weights, gradient) in weights.chunks_exact(queries).zip(gradient.chunks_exact_mut(queries)) {
                for ((&weight, gradient), &sum) in weights.iter().zip(gradient).zip(&*sums) {
                    *gradient = scale * (*gradient - weight * sum);
                }
            }
        },
    );
}

/// The same where `terms` are the weights times their gradients, which become the gradient of the scores.
pub(crate) fn softmax_backward_of_terms<F: Real>(weights: &[F], terms: &mut [F], scale: F, sums: &mut [F]) {
    let queries = sums.len();
    sums.fill(F::ZERO);
    for row in terms.chunks_exact(queries) {
        row.iter().zip(&mut *sums).for_each(|(&term, sum)| *sum += term);
    }
    for (weights, terms) in weights.chunks_exact(queries).zip(terms.chunks_exact_mut(queries)) {
        for ((&weight, term), &sum) in weights.iter().zip(terms).zip(&*sums) {
            *term = scale * (*term - weight * sum);
        }
    }
}

/// Writes attention weights, [keys, queries], as the scores that Keras returns, [queries, keys].
pub(crate) fn write_scores<F: Real>(weights: &[F], queries: usize, scores: &mut [F]) {
    let keys = weights.len() / queries;
    for (query, scores) in scores.chunks_exact_mut(keys).enumerate() {
        scores.iter_mut().zip(weights[query..].iter().step_by(queries)).for_each(|(score, &weight)| *score = weight);
    }
}

/// Calls `f` with each element of `gradient`, [keys, queries], and with the gradient of its score, [queries, keys].
pub(crate) fn each_score<F: Real>(
    scores: &[F],
    queries: usize,
    gradient: &mut [F],
    mut f: impl FnMut(usize, &mut F, F),
) {
    let keys = gradient.len() / queries;
    for (place, gradient) in gradient.iter_mut().enumerate() {
        let (key, query) = (place / queries, place % queries);
        f(place, gradient, scores[query * keys + key]);
    }
}

/// Writes what dropout leaves of `weights` to `left`.
pub(crate) fn drop<F: Real>(weights: &[F], left: &mut [F], rate: f64, random: &mut impl Rng) {
    let (threshold, scale) = ((rate * 2f64.powi(32)) as u32, F::of(1.0 / (1.0 - rate)));
    for (left, &weight) in left.iter_mut().zip(weights) {
        *left = if random.next_u32() >= threshold { weight * scale } else { F::ZERO };
    }
}
