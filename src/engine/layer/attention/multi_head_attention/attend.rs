//! How an attention runs, forward and backward.

use super::{Heads, KEY, MultiHeadAttention, OUTPUT, QUERY, VALUE};
use crate::engine::{
    kernel::{self, Matrix},
    layer::{
        Backward, Forward, Pass, Values,
        attention::scores::{self, AttentionMask},
    },
    real::Real,
    regularizer::Regularizer,
};

/// The score of what may not be attended to, as Keras has it.
const HIDDEN: f64 = -0.7 * 3.389_53e38;

impl MultiHeadAttention {
    fn scale<F: Real>(&self) -> F {
        F::of(1.0 / (self.key_dim as f64).sqrt())
    }

    /// The penalty on the queries, keys and values of a batch of so many rows; that on the output is a node of its own.
    fn penalty_on_projections(&self, batch_rows: usize) -> Option<Regularizer> {
        self.activity_regularizer?.elementwise().map(|penalty| penalty.divided_by(batch_rows))
    }

    /// What may be attended to in one row of [rows, groups].
    fn attention_mask<'a, F: Real>(&self, inputs: &Values<'a, F>, heads: Heads, row: usize) -> AttentionMask<'a, F> {
        let mask = |input: usize, steps: usize| {
            let mask = (input < inputs.len()).then(|| inputs.mask(input)).flatten();
            mask.map(|mask| &mask[row * steps..][..steps])
        };
        AttentionMask {
            queries: heads.queries,
            query_mask: mask(0, heads.queries).filter(|_| !self.masked_queries_attend),
            key_masks: [mask(1, heads.keys), mask(2, heads.keys)],
            causal: self.use_causal_mask,
        }
    }

    pub(super) fn attend<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let heads = self.heads(cx.inputs.shapes());
        let Pass { rows, training, noise, .. } = cx.pass;
        let (projected, pairs) = (rows * heads.elements().iter().sum::<usize>(), rows * heads.groups());
        let of_head = heads.weights();
        // Training keeps all of it for backward; else the weights of one head at a time are enough.
        let (projected, weights, scratch) = if training {
            let (projected, weights) = cx.kept.split_at_mut(projected);
            (projected, weights, &mut *cx.scratch)
        } else {
            let (projected, rest) = cx.scratch.split_at_mut(projected);
            let (weights, rest) = rest.split_at_mut(of_head);
            (projected, weights, rest)
        };
        let [query, key, value, context] = heads.split(rows, projected);
        let projections = self.projections(cx.inputs.shapes());
        let last = cx.inputs.len() - 1;
        for (projection, input, y) in [(QUERY, 0, &mut *query), (KEY, last, &mut *key), (VALUE, 1, &mut *value)] {
            let x = Matrix::new(cx.inputs.get(input), cx.inputs.shape(input).last());
            projections[projection].forward(&cx.parameters, x, y);
            if let Some(penalty) = self.penalty_on_projections(1) {
                *cx.penalty += penalty.penalty(y, cx.inputs.shape(input), &mut []);
            }
        }
        let scratch = &mut scratch[..2 * heads.queries];
        let zeroed = self.dropout > 0.0 || self.return_attention_scores || cx.inputs.shape(0).0.len() > 2;
        let (weights, left) = weights.split_at_mut(if training { pairs * heads.count * of_head } else { of_head });
        let mut random = noise.stream(self.seed, heads.groups() * heads.count * of_head);
        for (row, head) in (0..pairs).flat_map(|row| (0..heads.count).map(move |head| (row, head))) {
            let mask = self.attention_mask(&cx.inputs, heads, row);
            let first = if training { (row * heads.count + head) * of_head } else { 0 };
            let weights = &mut weights[first..][..of_head];
            let queries = heads.of(heads.query(), query, [row, head]);
            kernel::product(heads.of(heads.key(), key, [row, head]), queries.transposed(), weights, false);
            mask.hide(weights, |_| F::of(HIDDEN));
            scores::softmax(weights, heads.queries, self.scale(), scratch);
            if zeroed {
                mask.hide(weights, |_| F::ZERO);
            }
            if let Some(scores) = cx.others.get(0) {
                let scores = &mut scores[(row * heads.count + head) * of_head..][..of_head];
                scores::write_scores(weights, heads.queries, scores);
            }
            let left: &[F] = match left.get_mut(first..first + of_head) {
                Some(left) => {
                    scores::drop(weights, left, self.dropout, &mut random);
                    left
                }
                None => weights,
            };
            let values = heads.of(heads.value(), value, [row, head]);
            let context = heads.of_mut(heads.context(), context, [row, head]);
            kernel::product_into(Matrix::new(left, heads.queries).transposed(), values, context, false);
        }
        let context = Matrix::new(&*context, projections[VALUE].outputs);
        projections[OUTPUT].forward(&cx.parameters, context, cx.output);
    }

    pub(super) fn attend_backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let heads = self.heads(cx.inputs.shapes());
        let rows = cx.pass.rows;
        let (projected, pairs) = (rows * heads.elements().iter().sum::<usize>(), rows * heads.groups());
        let of_head = heads.weights();
        let (kept, weights) = cx.kept.split_at_mut(projected);
        let [query, key, value, context] = heads.split(rows, kept);
        let (weights, left) = weights.split_at(pairs * heads.count * of_head);
        let left = if left.is_empty() { weights } else { left };
        let (gradients, scratch) = cx.scratch.split_at_mut(projected);
        let [query_gradient, key_gradient, value_gradient, context_gradient] = heads.split(rows, gradients);
        let (gradient, sums) = scratch.split_at_mut(of_head);
        let sums = &mut sums[..heads.queries];

        let projections = self.projections(cx.inputs.shapes());
        let dy = Matrix::new(&*cx.output_gradient, projections[OUTPUT].outputs);
        let context = Matrix::new(&*context, projections[VALUE].outputs);
        projections[OUTPUT].backward(&mut cx.parameter_gradients, context, dy);
        projections[OUTPUT].backward_input(&cx.parameters, dy, context_gradient, false);

        for (row, head) in (0..pairs).flat_map(|row| (0..heads.count).map(move |head| (row, head))) {
            let first = (row * heads.count + head) * of_head;
            let (weights, left) = (&weights[first..][..of_head], &left[first..][..of_head]);
            let place = [row, head];
            let context_gradient = heads.of(heads.context(), context_gradient, place);
            let values = heads.of(heads.value(), value, place);
            kernel::product(values, context_gradient.transposed(), gradient, false);
            let value_gradient = heads.of_mut(heads.value(), value_gradient, place);
            kernel::product_into(Matrix::new(left, heads.queries), context_gradient, value_gradient, false);
            match cx.other_gradients.get(0) {
                None => scores::softmax_backward(weights, left, gradient, self.scale(), sums),
                Some(scores) => {
                    scores::each_score(
                        &scores[first..][..of_head],
                        heads.queries,
                        gradient,
                        |place, gradient, score| {
                            *gradient = *gradient * left[place] + score * weights[place];
                        },
                    );
                    scores::softmax_backward_of_terms(weights, gradient, self.scale(), sums);
                }
            }
            // Where a query may attend to no key, its weights are what they are whatever the scores.
            self.attention_mask(&cx.inputs, heads, row).hide(gradient, |_| F::ZERO);
            let gradient = Matrix::new(&*gradient, heads.queries);
            let key_gradient = heads.of_mut(heads.key(), key_gradient, place);
            kernel::product_into(gradient, heads.of(heads.query(), query, place), key_gradient, false);
            let query_gradient = heads.of_mut(heads.query(), query_gradient, place);
            kernel::product_into(gradient.transposed(), heads.of(heads.key(), key, place), query_gradient, false);
        }

        let last = cx.inputs.len() - 1;
        let penalty = self.penalty_on_projections(cx.pass.batch_rows);
        for (projection, input, y, dy) in
            [(QUERY, 0, query, query_gradient), (VALUE, 1, value, value_gradient), (KEY, last, key, key_gradient)]
        {
            if let Some(penalty) = penalty {
                penalty.add_gradient(y, cx.inputs.shape(input), &mut [], dy);
            }
            let x = Matrix::new(cx.inputs.get(input), cx.inputs.shape(input).last());
            let dy = Matrix::new(&*dy, projections[projection].outputs);
            projections[projection].backward(&mut cx.parameter_gradients, x, dy);
            if let Some(dx) = cx.input_gradients.get(input) {
                // Without a key of its own, the value has been here before.
                let accumulate = projection == KEY && input == 1;
                projections[projection].backward_input(&cx.parameters, dy, dx, accumulate);
            }
        }
    }
}
