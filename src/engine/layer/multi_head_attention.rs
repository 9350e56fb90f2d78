//! [`MultiHeadAttention`].

use super::{
    Backward, Forward, Layer, MaskRule, ParameterSpec, Pass, Values, Workspace,
    axes::Axes,
    heads::Heads,
    heed::{self, Visible},
    projection::Projection,
    read,
};
use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel::{self, Matrix},
    real::{Real, check},
    regularizer::Regularizer,
    shape::Shape,
    spec::LONGEST_AXIS,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Each step of a query gathers what it finds in the steps of a value, by how well its query fits their keys, in several
/// heads side by side.
///
/// Inputs are `[query, value]` or `[query, value, key]`; without a key, the value is the key too. With
/// `q = query · query_kernel + query_bias` and likewise `k` and `v`, each head gives
/// `dropout(softmax(q · kᵀ / sqrt(key_dim))) · v`, and the heads together go through `attention_output`.
///
/// Steps that are masked as padding in the value or in the key are not heeded, nor are later ones where the mask is causal.
/// A step that may heed none, such as padding in the query, heeds all alike, or none where there is dropout.
///
/// # Shapes
/// Query `[batch, queries, query_dim]`, value `[batch, keys, dim]`, key `[batch, keys, dim]`, output
/// `[batch, queries, query_dim]`, or with `output_shape` as the last axes; query/kernel `[query_dim, num_heads, key_dim]`,
/// query/bias `[num_heads, key_dim]`, key/… and value/… likewise, attention_output/kernel
/// `[num_heads, value_dim, query_dim]`, attention_output/bias `[query_dim]`.
///
/// Source: <https://keras.io/api/layers/attention_layers/multi_head_attention/>, <https://arxiv.org/abs/1706.03762>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttention {
    /// Heads, at least 1.
    #[serde(deserialize_with = "read::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub num_heads: usize,
    /// Size of each head's queries and keys, at least 1.
    #[serde(deserialize_with = "read::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub key_dim: usize,
    /// Size of each head's values; that of its keys where absent.
    #[serde(default)]
    pub value_dim: Option<usize>,
    /// The fraction of the weights of keys that is dropped in training: 0 or more, less than 1.
    #[serde(default)]
    pub dropout: f64,
    /// Whether there are biases.
    #[serde(default = "read::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// The last axes of the output; the query's where absent.
    #[serde(default)]
    pub output_shape: Option<OutputShape>,
    /// The axis of the steps, which is the one after the batch axis.
    #[serde(default)]
    pub attention_axes: Option<Axes>,
    /// First values of the kernels.
    #[serde(default = "read::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// First values of the biases.
    #[serde(default = "read::zeros")]
    pub bias_initializer: Initializer,
    /// A penalty on each kernel.
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// A penalty on each bias.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// What each kernel is brought back to after each step.
    #[serde(default)]
    pub kernel_constraint: Option<Constraint>,
    /// What each bias is brought back to after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
    /// Takes the place of the job's seed for this layer's dropout.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether a step heeds only steps up to its own; an argument of the layer's call in Keras.
    #[serde(default)]
    pub use_causal_mask: bool,
}

/// The last axes of an output: a number or a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a whole number or a list of whole numbers")]
pub enum OutputShape {
    /// One.
    One(usize),
    /// Several.
    Several(Vec<usize>),
}

impl OutputShape {
    fn axes(&self) -> &[usize] {
        match self {
            Self::One(axis) => std::slice::from_ref(axis),
            Self::Several(axes) => axes,
        }
    }
}

/// The projections, in the order of their parameters.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;
const OUTPUT: usize = 3;
const NAMES: [[&str; 2]; 4] = [
    ["query/kernel", "query/bias"],
    ["key/kernel", "key/bias"],
    ["value/kernel", "value/bias"],
    ["attention_output/kernel", "attention_output/bias"],
];

/// How many of the first axes of each kernel belong to its input.
const INPUT_AXES: [usize; 4] = [1, 1, 1, 2];

/// The score of what may not be heeded, as Keras has it.
const HIDDEN: f64 = -0.7 * 3.389_53e38;

impl MultiHeadAttention {
    fn heads(&self, inputs: &[Shape]) -> Heads {
        let (queries, keys) = (inputs[0].0[0], inputs[1].0[0]);
        let value_dim = self.value_dim.unwrap_or(self.key_dim);
        Heads { count: self.num_heads, queries, keys, key_dim: self.key_dim, value_dim }
    }
    fn output_axes<'s>(&'s self, inputs: &'s [Shape]) -> &'s [usize] {
        self.output_shape.as_ref().map_or(&inputs[0].0[1..], OutputShape::axes)
    }
    /// By the order of their parameters.
    fn projections(&self, inputs: &[Shape]) -> [Projection; 4] {
        let Heads { count, key_dim, value_dim, .. } = self.heads(inputs);
        let outputs = [count * key_dim, count * key_dim, count * value_dim, self.output_axes(inputs).iter().product()];
        std::array::from_fn(|index| {
            let kernel = index * (1 + usize::from(self.use_bias));
            Projection { kernel, bias: self.use_bias.then_some(kernel + 1), outputs: outputs[index] }
        })
    }
    fn scale<F: Real>(&self) -> F {
        F::of(1.0 / (self.key_dim as f64).sqrt())
    }
    fn visible<'a, F: Real>(&self, inputs: &Values<'a, F>, heads: Heads, row: usize) -> Visible<'a, F> {
        let mask = |input: usize, steps: usize| {
            let mask = (input < inputs.len()).then(|| inputs.mask(input)).flatten();
            mask.map(|mask| &mask[row * steps..][..steps])
        };
        Visible {
            queries: heads.queries,
            query_mask: mask(0, heads.queries),
            key_masks: [mask(1, heads.keys), mask(2, heads.keys)],
            causal: self.use_causal_mask,
        }
    }
}

impl Layer for MultiHeadAttention {
    fn check(&self) -> Result<(), FieldError> {
        let (counts, expected) = (1..=LONGEST_AXIS, format!("1 to {LONGEST_AXIS}"));
        let sizes = [("/num_heads", self.num_heads), ("/key_dim", self.key_dim)];
        for (pointer, size) in sizes.into_iter().chain(self.value_dim.map(|dim| ("/value_dim", dim))) {
            read::range(counts.contains(&size), pointer, &expected, size)?;
        }
        check::below_one("/dropout", self.dropout)?;
        if let Some(axes) = self.output_shape.as_ref().map(OutputShape::axes) {
            let fits = !axes.is_empty() && axes.iter().all(|axis| counts.contains(axis));
            let expected = format!("at least one axis, each of {expected}");
            read::range(fits, "/output_shape", &expected, format_args!("{axes:?}"))?;
        }
        if let Some(axes) = self.attention_axes.as_ref().map(Axes::listed) {
            let fits = matches!(axes, [1 | -2]);
            read::range(fits, "/attention_axes", "the axis of the steps, 1", format_args!("{axes:?}"))?;
        }
        let (regularizer, constraint) = (self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        read::parameter("kernel", &self.kernel_initializer, regularizer, constraint)?;
        read::parameter("bias", &self.bias_initializer, self.bias_regularizer.as_ref(), self.bias_constraint.as_ref())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=3
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        inputs.iter().try_for_each(read::sequence)?;
        let keys = inputs[1].0[0];
        for shape in &inputs[2..] {
            let expected = format!("a key of as many steps as the value has, {keys}");
            read::range(shape.0[0] == keys, "", &expected, shape.0[0])?;
        }
        let queries = inputs[0].0[0];
        let weights = queries.checked_mul(keys).and_then(|weights| weights.checked_mul(self.num_heads));
        let expected = format!("at most {LONGEST_AXIS} weights, one for each head, query and key");
        let received = format_args!("{} x {queries} x {keys}", self.num_heads);
        read::range(weights.is_some_and(|weights| weights <= LONGEST_AXIS), "", &expected, received)?;
        Ok(Shape([&[queries], self.output_axes(inputs)].concat()))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Heads { count, key_dim, value_dim, .. } = self.heads(inputs);
        let key = inputs.last().map_or(1, Shape::last);
        let shapes = [
            vec![inputs[0].last(), count, key_dim],
            vec![key, count, key_dim],
            vec![inputs[1].last(), count, value_dim],
            [&[count, value_dim], self.output_axes(inputs)].concat(),
        ];
        let mut parameters = Vec::new();
        for (([kernel, bias], shape), input_axes) in NAMES.into_iter().zip(shapes).zip(INPUT_AXES) {
            let bias_shape = Shape(shape[input_axes..].to_vec());
            parameters.push(ParameterSpec {
                name: kernel,
                shape: Shape(shape),
                initializer: self.kernel_initializer.with_input_axes(input_axes),
                regularizer: self.kernel_regularizer,
                constraint: self.kernel_constraint.clone(),
                trainable: true,
            });
            parameters.extend(self.use_bias.then(|| ParameterSpec {
                name: bias,
                shape: bias_shape,
                initializer: self.bias_initializer.clone(),
                regularizer: self.bias_regularizer,
                constraint: self.bias_constraint.clone(),
                trainable: true,
            }));
        }
        parameters
    }

    fn mask(&self, _: &[Shape], _: &[bool]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let heads = self.heads(inputs);
        let projected: usize = heads.cells().iter().sum();
        let weights = heads.count * heads.weights();
        let left = if self.dropout > 0.0 { weights } else { 0 };
        Workspace {
            kept_per_row: projected + weights + left,
            scratch_per_row: projected,
            scratch: heads.weights() + 2 * heads.queries,
        }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        let heads = self.heads(inputs);
        let [query, key, value, context] = heads.cells();
        let products = [
            (query, inputs[0].last()),
            (key, inputs.last().map_or(1, Shape::last)),
            (value, inputs[1].last()),
            (context, self.projections(inputs)[OUTPUT].outputs),
            (query, heads.keys),
            (context, heads.keys),
        ];
        let each = products.map(|(cells, inner)| (2 * cells as u64).saturating_mul(inner as u64));
        each.into_iter().fold(0, u64::saturating_add)
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let heads = self.heads(cx.inputs.shapes());
        let Pass { rows, training, noise, .. } = cx.pass;
        let projected = rows * heads.cells().iter().sum::<usize>();
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
        }
        let scratch = &mut scratch[..2 * heads.queries];
        let (weights, left) = weights.split_at_mut(if training { rows * heads.count * of_head } else { of_head });
        let mut random = noise.stream(self.seed, heads.count * of_head);
        for (row, head) in (0..rows).flat_map(|row| (0..heads.count).map(move |head| (row, head))) {
            let visible = self.visible(&cx.inputs, heads, row);
            let first = if training { (row * heads.count + head) * of_head } else { 0 };
            let weights = &mut weights[first..][..of_head];
            let queries = heads.of(heads.query(), query, [row, head]);
            kernel::product(heads.of(heads.key(), key, [row, head]), queries.transposed(), weights, false);
            visible.hide(weights, |_| F::of(HIDDEN));
            heed::softmax(weights, heads.queries, self.scale(), scratch);
            if self.dropout > 0.0 {
                visible.hide(weights, |_| F::ZERO);
            }
            let left: &[F] = match left.get_mut(first..first + of_head) {
                Some(left) => {
                    heed::drop(weights, left, self.dropout, &mut random);
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

    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let heads = self.heads(cx.inputs.shapes());
        let rows = cx.pass.rows;
        let projected = rows * heads.cells().iter().sum::<usize>();
        let of_head = heads.weights();
        let (kept, weights) = cx.kept.split_at_mut(projected);
        let [query, key, value, context] = heads.split(rows, kept);
        let (weights, left) = weights.split_at(rows * heads.count * of_head);
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

        for (row, head) in (0..rows).flat_map(|row| (0..heads.count).map(move |head| (row, head))) {
            let first = (row * heads.count + head) * of_head;
            let (weights, left) = (&weights[first..][..of_head], &left[first..][..of_head]);
            let place = [row, head];
            let context_gradient = heads.of(heads.context(), context_gradient, place);
            let values = heads.of(heads.value(), value, place);
            kernel::product(values, context_gradient.transposed(), gradient, false);
            let value_gradient = heads.of_mut(heads.value(), value_gradient, place);
            kernel::product_into(Matrix::new(left, heads.queries), context_gradient, value_gradient, false);
            heed::softmax_backward(weights, left, gradient, self.scale(), sums);
            // Where a query may heed no key, its weights are what they are whatever the scores.
            self.visible(&cx.inputs, heads, row).hide(gradient, |_| F::ZERO);
            let gradient = Matrix::new(&*gradient, heads.queries);
            let key_gradient = heads.of_mut(heads.key(), key_gradient, place);
            kernel::product_into(gradient, heads.of(heads.query(), query, place), key_gradient, false);
            let query_gradient = heads.of_mut(heads.query(), query_gradient, place);
            kernel::product_into(gradient.transposed(), heads.of(heads.key(), key, place), query_gradient, false);
        }

        let last = cx.inputs.len() - 1;
        for (projection, input, dy) in
            [(QUERY, 0, query_gradient), (VALUE, 1, value_gradient), (KEY, last, key_gradient)]
        {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let layer: MultiHeadAttention = serde_json::from_value(json!({"num_heads": 8, "key_dim": 2})).unwrap();
        for (inputs, text) in [
            (vec![vec![3, 4], vec![4]], "received one of the shape [4]"),
            (vec![vec![3, 4], vec![5, 4], vec![6, 4]], "as many steps as the value has, 5, received 6"),
            (vec![vec![1 << 31, 1], vec![1 << 31, 1]], "received 8 x 2147483648 x 2147483648"),
        ] {
            let inputs: Vec<Shape> = inputs.into_iter().map(Shape).collect();
            let error = layer.output_shape(&inputs).unwrap_err();
            assert!(error.detail.ends_with(text), "{error}");
        }
    }
}
