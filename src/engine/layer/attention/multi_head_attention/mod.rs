//! [`MultiHeadAttention`].

mod attend;
mod heads;
mod steps;

use super::projection::Projection;
use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Workspace, axes::Axes, settings_checks},
    real::{Real, check},
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use heads::Heads;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Each step of a query gathers what it finds in the steps of a value, by how well its query fits their keys, in several
/// heads side by side.
///
/// Inputs are `[query, value]` or `[query, value, key]`; without a key, the value is the key too. With
/// `q = query · query_kernel + query_bias` and likewise `k` and `v`, each head gives
/// `dropout(softmax(q · kᵀ / sqrt(key_dim))) · v`, and the heads together go through `attention_output`.
///
/// Steps that are masked as padding in the value or in the key are not attended to, nor are later ones where the mask is causal.
/// A step that may attend to none, such as padding in the query, attends to all alike, or none where there is dropout, the steps
/// have several axes or the scores are returned.
///
/// Where the steps have several axes, as in images, a step attends to all that differ from it along `attention_axes` alone.
///
/// # Shapes
/// Query `[batch, queries…, query_dim]`, value `[batch, keys…, dim]`, key `[batch, keys…, dim]`, output
/// `[batch, queries…, query_dim]`, or with `output_shape` as the last axes; query/kernel `[query_dim, num_heads, key_dim]`,
/// query/bias `[num_heads, key_dim]`, key/… and value/… likewise, attention_output/kernel
/// `[num_heads, value_dim, query_dim]`, attention_output/bias `[query_dim]`.
///
/// Source: <https://keras.io/api/layers/attention_layers/multi_head_attention/>, <https://arxiv.org/abs/1706.03762>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttention {
    /// Heads, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub num_heads: usize,
    /// Size of each head's queries and keys, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub key_dim: usize,
    /// Size of each head's values; that of its keys where absent.
    #[serde(default)]
    pub value_dim: Option<usize>,
    /// The fraction of the weights of keys that is dropped in training: 0 or more, less than 1.
    #[serde(default)]
    pub dropout: f64,
    /// Whether there are biases.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// The last axes of the output; the query's where absent.
    #[serde(default)]
    pub output_shape: Option<OutputShape>,
    /// The axes of steps along which steps attend to each other, beside each other and counted with the batch axis; all of them
    /// where absent. Where an input has a mask, the last axis of steps alone.
    #[serde(default)]
    pub attention_axes: Option<Axes>,
    /// Initializer for the kernels.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// Initializer for the biases.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Regularizer for each kernel.
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Regularizer for each bias.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// A penalty on the queries, the keys and the values of all heads, and on the output, divided by the rows of the batch.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint applied to each kernel after each step.
    #[serde(default)]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint applied to each bias after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
    /// Takes the place of the job's seed for this layer's dropout.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether to use a causal mask: a step attends only to itself and earlier steps; an argument of the layer's call in Keras.
    #[serde(default)]
    pub use_causal_mask: bool,
    /// Whether the layer outputs the attention scores, `[batch, num_heads, queries, keys]` before dropout, as a second value,
    /// `name/1`; an argument of the layer's call in Keras.
    #[serde(default)]
    pub return_attention_scores: bool,
    /// Whether steps of the query that are padding attend to the others, too, as in KerasHub's decoder.
    #[serde(skip)]
    pub(crate) masked_queries_attend: bool,
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

impl MultiHeadAttention {
    fn output_axes<'s>(&'s self, inputs: &'s [Shape]) -> &'s [usize] {
        self.output_shape.as_ref().map_or(&inputs[0].0[inputs[0].0.len() - 1..], OutputShape::axes)
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
}

impl Layer for MultiHeadAttention {
    fn check(&self) -> Result<(), FieldError> {
        let (counts, expected) = (1..=MAX_AXIS_SIZE, format!("1 to {MAX_AXIS_SIZE}"));
        let sizes = [("/num_heads", self.num_heads), ("/key_dim", self.key_dim)];
        for (pointer, size) in sizes.into_iter().chain(self.value_dim.map(|dim| ("/value_dim", dim))) {
            settings_checks::range(counts.contains(&size), pointer, &expected, size)?;
        }
        check::below_one("/dropout", self.dropout)?;
        if let Some(axes) = self.output_shape.as_ref().map(OutputShape::axes) {
            let fits = !axes.is_empty() && axes.iter().all(|axis| counts.contains(axis));
            let expected = format!("at least one axis, each of {expected}");
            settings_checks::range(fits, "/output_shape", &expected, format_args!("{axes:?}"))?;
        }
        if let Some(axes) = self.attention_axes.as_ref().map(Axes::listed) {
            let fits = !axes.is_empty() && !axes.contains(&0) && !axes.contains(&-1);
            let expected = "at least one axis, of neither the batch nor the features";
            settings_checks::range(fits, "/attention_axes", expected, format_args!("{axes:?}"))?;
        }
        let (regularizer, constraint) = (self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        settings_checks::parameter("kernel", &self.kernel_initializer, regularizer, constraint)?;
        settings_checks::parameter(
            "bias",
            &self.bias_initializer,
            self.bias_regularizer.as_ref(),
            self.bias_constraint.as_ref(),
        )
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=3
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.check_steps(inputs)?;
        let steps = &inputs[0].0[..inputs[0].0.len() - 1];
        Ok(Shape([steps, self.output_axes(inputs)].concat()))
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
            parameters.push(ParameterSpec::trained(
                kernel,
                Shape(shape),
                &self.kernel_initializer.with_input_axes(input_axes),
                self.kernel_regularizer,
                self.kernel_constraint.as_ref(),
            ));
            parameters.extend(self.use_bias.then(|| {
                ParameterSpec::trained(
                    bias,
                    bias_shape,
                    &self.bias_initializer,
                    self.bias_regularizer,
                    self.bias_constraint.as_ref(),
                )
            }));
        }
        parameters
    }

    fn values(&self) -> usize {
        1 + usize::from(self.return_attention_scores)
    }

    fn other_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        self.return_attention_scores.then(|| self.scores_shape(inputs)).into_iter().collect()
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        settings_checks::masks_of_steps(inputs, masks)?;
        self.check_masked(inputs, masks.iter().any(Option::is_some))
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let heads = self.heads(inputs);
        let projected: usize = heads.elements().iter().sum();
        let weights = heads.groups() * heads.count * heads.weights();
        let left = if self.dropout > 0.0 { weights } else { 0 };
        Workspace {
            kept_per_row: projected + weights + left,
            scratch_per_row: projected,
            scratch: heads.weights() + 2 * heads.queries,
        }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        let heads = self.heads(inputs);
        let [query, key, value, context] = heads.elements();
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

    fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
        let heads = self.heads(inputs);
        Some(heads.groups() * heads.queries.min(heads.keys))
    }

    fn uses_masks(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for MultiHeadAttention {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.attend(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.attend_backward(cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let layer: MultiHeadAttention = serde_json::from_value(json!({"num_heads": 8, "key_dim": 2})).unwrap();
        for (inputs, text) in [
            (vec![vec![3, 4], vec![4]], "received one of the shape [4]"),
            (vec![vec![3, 4], vec![2, 3, 4]], "received one of the shape [2, 3, 4]"),
            (vec![vec![3, 4], vec![5, 4], vec![6, 4]], "the steps of the value, [5], received [6]"),
            (vec![vec![1 << 31, 1], vec![1 << 31, 1]], "received 1 x 8 x 2147483648 x 2147483648"),
        ] {
            let inputs: Vec<Shape> = inputs.into_iter().map(Shape).collect();
            let error = layer.output_shape(&inputs).unwrap_err();
            assert!(error.detail.ends_with(text), "{error}");
        }
    }

    #[test]
    fn axes_that_are_not_attended_are_those_of_the_value() {
        let layer = |axes: Value, causal: bool| -> MultiHeadAttention {
            let settings = json!({"num_heads": 2, "key_dim": 2, "attention_axes": axes, "use_causal_mask": causal});
            serde_json::from_value(settings).unwrap()
        };
        let inputs = [Shape(vec![3, 4, 5]), Shape(vec![3, 6, 5])];
        assert_eq!(layer(json!([2]), false).output_shape(&inputs), Ok(Shape(vec![3, 4, 5])));
        assert_eq!(layer(json!(null), false).output_shape(&inputs), Ok(Shape(vec![3, 4, 5])));
        for (axes, causal, text) in [
            (json!(1), false, "of the shape [6] beside the attended ones, received [4]"),
            (json!([3]), false, "received [3]"),
            (json!([1, 1]), false, "received [1, 1]"),
            (json!([2]), true, "received 4 queries and 6 keys"),
            (json!(null), true, "received 2 axes"),
        ] {
            let error = layer(axes, causal).output_shape(&inputs).unwrap_err();
            assert!(error.detail.ends_with(text), "{error}");
        }
        let masks = [Some(Shape(vec![3, 4])), None];
        assert_eq!(layer(json!([2]), false).check_masks(&inputs, &masks), Ok(()));
        assert!(layer(json!(null), false).check_masks(&inputs, &masks).is_err());
    }
}
