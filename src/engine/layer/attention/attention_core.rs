//! What attention and additive_attention have in common: everything but how well a query fits a key.

use super::scores::{self, AttentionMask};
use crate::engine::{
    field::FieldError,
    kernel::{self, Matrix},
    layer::{Backward, Forward, ParameterGradients, Parameters, Workspace, normalization::normalize, settings_checks},
    real::{Real, check},
    shape::{MAX_AXIS_SIZE, Shape},
};

/// How well queries fit keys.
pub(crate) trait Score {
    /// Writes the scores of one row, [keys, queries]. `scratch`: dim elements.
    fn scores<F: Real>(&self, parameters: &Parameters<'_, F>, pair: Pair<'_, F>, scratch: &mut [F], scores: &mut [F]);

    /// Writes the gradients of the queries and the keys of one row, and adds to `sums`, 2 * dim elements, what
    /// [`Self::write_parameters`] needs.
    fn scores_backward<F: Real>(
        &self,
        parameters: &Parameters<'_, F>,
        pair: Pair<'_, F>,
        gradient: &[F],
        pair_gradients: [&mut [F]; 2],
        sums: &mut [F],
    );

    /// Writes the gradients of the parameters.
    fn write_parameters<F: Real>(&self, sums: &[F], gradients: &mut ParameterGradients<'_, F>);
}

/// The queries and the keys of a row, each [steps, dim].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a, F> {
    pub query: &'a [F],
    pub key: &'a [F],
    pub dim: usize,
}

/// Settings that both layers have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SingleHead {
    pub dropout: f64,
    pub seed: Option<u64>,
    pub causal: bool,
    /// Whether the attention scores are a second value.
    pub returns_scores: bool,
}

/// What Keras takes off the scores of keys that may not be attended to.
const HIDDEN: f64 = 1e9;

/// How large everything is, for one row.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    queries: usize,
    keys: usize,
    /// Elements of a query and of a key.
    dim: usize,
    /// Elements of a value.
    width: usize,
    weights: usize,
}

fn sizes(inputs: &[Shape]) -> Sizes {
    let (queries, keys) = (inputs[0].0[0], inputs[1].0[0]);
    Sizes { queries, keys, dim: inputs[0].last(), width: inputs[1].last(), weights: queries * keys }
}

impl SingleHead {
    pub fn check(self) -> Result<(), FieldError> {
        check::below_one("/dropout", self.dropout)
    }

    pub fn output_shape(inputs: &[Shape]) -> Result<Shape, FieldError> {
        inputs.iter().try_for_each(settings_checks::sequence)?;
        let (queries, keys) = (inputs[0].0[0], inputs[1].0[0]);
        let (expected, key) = (Shape(vec![keys, inputs[0].last()]), &inputs[inputs.len() - 1]);
        let words = format!("keys of the shape {expected}, the value's steps and the query's features");
        settings_checks::range(*key == expected, "", &words, key)?;
        let weights = queries.checked_mul(keys).is_some_and(|weights| weights <= MAX_AXIS_SIZE);
        let expected = format!("at most {MAX_AXIS_SIZE} weights, one for each query and key");
        settings_checks::range(weights, "", &expected, format_args!("{queries} x {keys}"))?;
        Ok(Shape(vec![queries, inputs[1].last()]))
    }

    pub fn values(self) -> usize {
        1 + usize::from(self.returns_scores)
    }

    /// The shape of the attention scores, where they are returned.
    pub fn other_shapes(self, inputs: &[Shape]) -> Vec<Shape> {
        let Sizes { queries, keys, .. } = sizes(inputs);
        self.returns_scores.then(|| Shape(vec![queries, keys])).into_iter().collect()
    }

    pub fn workspace(self, inputs: &[Shape]) -> Workspace {
        let Sizes { queries, keys, dim, weights, .. } = sizes(inputs);
        Workspace {
            kept_per_row: if self.dropout > 0.0 { 2 * weights } else { weights },
            scratch_per_row: 0,
            scratch: weights + 2 * queries + (queries + keys) * dim + 2 * dim,
        }
    }

    /// Elements that go through two products.
    pub fn cost(inputs: &[Shape]) -> u64 {
        let Sizes { dim, width, weights, .. } = sizes(inputs);
        (2 * weights as u64).saturating_mul((dim + width) as u64)
    }

    pub fn forward<F: Real>(self, score: &impl Score, cx: &mut Forward<'_, F>) {
        let Sizes { queries, keys, dim, width, weights: cells } = sizes(cx.inputs.shapes());
        let (own, scratch) = cx.scratch.split_at_mut(cells);
        let (sums, scratch) = scratch.split_at_mut(2 * queries);
        let training = cx.pass.training;
        let all = if training { &mut *cx.kept } else { own };
        let (all, all_left) = all.split_at_mut(if training { cx.pass.rows * cells } else { cells });
        let (query, value, key) = (cx.inputs.get(0), cx.inputs.get(1), cx.inputs.get(cx.inputs.len() - 1));
        let mut random = cx.pass.noise.stream(self.seed, cells);
        for (row, output) in cx.output.chunks_exact_mut(queries * width).enumerate() {
            let first = if training { row * cells } else { 0 };
            let weights = &mut all[first..][..cells];
            let pair = Pair {
                query: &query[row * queries * dim..][..queries * dim],
                key: &key[row * keys * dim..][..keys * dim],
                dim,
            };
            score.scores(&cx.parameters, pair, &mut scratch[..dim], weights);
            let value_mask = cx.inputs.mask(1).map(|mask| &mask[row * keys..][..keys]);
            let mask = AttentionMask { queries, query_mask: None, key_masks: [value_mask, None], causal: self.causal };
            mask.hide(weights, |score| score - F::of(HIDDEN));
            scores::softmax(weights, queries, F::ONE, sums);
            let left: &[F] = match all_left.get_mut(first..first + cells) {
                Some(left) => {
                    scores::drop(weights, left, self.dropout, &mut random);
                    left
                }
                None => weights,
            };
            if let Some(scores) = cx.others.get(0) {
                scores::write_scores(left, queries, &mut scores[row * cells..][..cells]);
            }
            let values = Matrix::new(&value[row * keys * width..][..keys * width], width);
            kernel::product(Matrix::new(left, queries).transposed(), values, output, false);
        }
        hide_queries(cx.inputs.mask(0), cx.output, width);
    }

    pub fn backward<F: Real>(self, score: &impl Score, cx: &mut Backward<'_, F>) {
        let Sizes { queries, keys, dim, width, weights: cells } = sizes(cx.inputs.shapes());
        hide_queries(cx.inputs.mask(0), cx.output_gradient, width);
        let (all, all_left) = cx.kept.split_at(cx.pass.rows * cells);
        let all_left = if all_left.is_empty() { all } else { all_left };
        let (gradient, scratch) = cx.scratch.split_at_mut(cells);
        let (column_sums, scratch) = scratch.split_at_mut(queries);
        let (query_gradient, scratch) = scratch.split_at_mut(queries * dim);
        let (key_gradient, scratch) = scratch.split_at_mut(keys * dim);
        let sums = &mut scratch[..2 * dim];
        sums.fill(F::ZERO);
        let last = cx.inputs.len() - 1;
        let (query, value, key) = (cx.inputs.get(0), cx.inputs.get(1), cx.inputs.get(last));
        for row in 0..cx.pass.rows {
            let (weights, left) = (&all[row * cells..][..cells], &all_left[row * cells..][..cells]);
            let (of_queries, of_keys) =
                (row * queries * dim..(row + 1) * queries * dim, row * keys * dim..(row + 1) * keys * dim);
            let of_values = row * keys * width..(row + 1) * keys * width;
            let dy = Matrix::new(&cx.output_gradient[row * queries * width..][..queries * width], width);
            kernel::product(Matrix::new(&value[of_values.clone()], width), dy.transposed(), gradient, false);
            if let Some(scores) = cx.other_gradients.get(0) {
                let scores = &scores[row * cells..][..cells];
                scores::each_score(scores, queries, gradient, |_, gradient, score| *gradient += score);
            }
            scores::softmax_backward(weights, left, gradient, F::ONE, column_sums);
            let pair = Pair { query: &query[of_queries.clone()], key: &key[of_keys.clone()], dim };
            score.scores_backward(&cx.parameters, pair, gradient, [&mut *query_gradient, &mut *key_gradient], sums);
            if let Some(dx) = cx.input_gradients.get(0) {
                dx[of_queries].copy_from_slice(query_gradient);
            }
            if let Some(dx) = cx.input_gradients.get(1) {
                kernel::product(Matrix::new(left, queries), dy, &mut dx[of_values], false);
            }
            if let Some(dx) = cx.input_gradients.get(last) {
                let dx = &mut dx[of_keys];
                // Without a key of its own, the value has been here before.
                if last == 1 { kernel::add(key_gradient, dx) } else { dx.copy_from_slice(key_gradient) }
            }
        }
        score.write_parameters(sums, &mut cx.parameter_gradients);
    }
}

/// Sets the elements of queries to zero that are padding.
fn hide_queries<F: Real>(mask: Option<&[F]>, cells: &mut [F], width: usize) {
    for (cells, &mask) in cells.chunks_exact_mut(width).zip(mask.unwrap_or_default()) {
        if mask == F::ZERO {
            cells.fill(F::ZERO);
        }
    }
}

/// Scores `outer * sum over dim of weight * tanh(inner * (query + key))`.
pub(crate) struct Tanh<'a, F> {
    pub outer: F,
    pub inner: F,
    /// One each; all 1 where there are none.
    pub weight: Option<&'a [F]>,
}

impl<F: Real> Tanh<'_, F> {
    fn weight(&self, cell: usize) -> F {
        self.weight.map_or(F::ONE, |weight| weight[cell])
    }

    pub fn scores(&self, pair: Pair<'_, F>, terms: &mut [F], scores: &mut [F]) {
        let queries = pair.query.len() / pair.dim;
        kernel::vectorized(
            #[inline(always)]
            || {
                for (scores, key) in scores.chunks_exact_mut(queries).zip(pair.key.chunks_exact(pair.dim)) {
                    for (score, query) in scores.iter_mut().zip(pair.query.chunks_exact(pair.dim)) {
                        for ((term, &query), &key) in terms.iter_mut().zip(query).zip(key) {
                            *term = (self.inner * (query + key)).tanh();
                        }
                        if let Some(weight) = self.weight {
                            terms.iter_mut().zip(weight).for_each(|(term, &weight)| *term *= weight);
                        }
                        *score = self.outer * normalize::sum(terms, terms, |term, _| term);
                    }
                }
            },
        );
    }

    /// Adds to `sums`, for each element, the gradient with respect to its weight without `outer`, and its part of that with
    /// respect to `inner`.
    pub fn backward(&self, pair: Pair<'_, F>, gradient: &[F], pair_gradients: [&mut [F]; 2], sums: &mut [F]) {
        let dim = pair.dim;
        let queries = pair.query.len() / dim;
        let [query_gradient, key_gradient] = pair_gradients;
        let (weight_sums, inner_sums) = sums.split_at_mut(dim);
        query_gradient.fill(F::ZERO);
        key_gradient.fill(F::ZERO);
        kernel::vectorized(
            #[inline(always)]
            || {
                let keys = pair.key.chunks_exact(dim).zip(key_gradient.chunks_exact_mut(dim));
                for (gradient, (key, key_gradient)) in gradient.chunks_exact(queries).zip(keys) {
                    let queries = pair.query.chunks_exact(dim).zip(query_gradient.chunks_exact_mut(dim));
                    for (&gradient, (query, query_gradient)) in gradient.iter().zip(queries) {
                        for c in 0..dim {
                            let sum = query[c] + key[c];
                            let tanh = (self.inner * sum).tanh();
                            let slope = gradient * self.outer * self.weight(c) * (F::ONE - tanh * tanh);
                            weight_sums[c] += gradient * tanh;
                            inner_sums[c] += slope * sum;
                            query_gradient[c] += slope * self.inner;
                            key_gradient[c] += slope * self.inner;
                        }
                    }
                }
            },
        );
    }
}
