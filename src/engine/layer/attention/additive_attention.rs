//! [`AdditiveAttention`].

use super::attention_core::{Pair, Score, SingleHead, Tanh};
use crate::engine::{
    field::FieldError,
    init::Initializer,
    layer::{
        Backward, Compute, Forward, Layer, MaskRule, ParameterGradients, ParameterSpec, Parameters, Workspace,
        normalization::normalize, settings_checks,
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Each step of a query gathers what it finds in the steps of a value: `dropout(softmax(scores)) · value`, with the scores
/// `sum(scale * tanh(query + key))` over the features.
///
/// Inputs are `[query, value]` or `[query, value, key]`; without a key, the value is the key too. Steps of the value that
/// are masked as padding are not attended to, nor are later ones where the mask is causal; masked steps of the query give zeros.
///
/// # Shapes
/// Query `[batch, queries, dim]`, value `[batch, keys, value_dim]`, key `[batch, keys, dim]`, output
/// `[batch, queries, value_dim]`, attention scores `[batch, queries, keys]`; scale `[dim]`.
///
/// Source: <https://keras.io/api/layers/attention_layers/additive_attention/>, <https://arxiv.org/abs/1409.0473>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdditiveAttention {
    /// Whether there is a scale; it counts as ones where not.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_scale: bool,
    /// The fraction of the weights of steps that is dropped in training: 0 or more, less than 1.
    #[serde(default)]
    pub dropout: f64,
    /// Takes the place of the job's seed for this layer's dropout.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether to use a causal mask: a step attends only to itself and earlier steps; an argument of the layer's call in Keras.
    #[serde(default)]
    pub use_causal_mask: bool,
    /// Whether the layer outputs the attention scores, `[batch, queries, keys]` after dropout, as a second value, `name/1`; an
    /// argument of the layer's call in Keras.
    #[serde(default)]
    pub return_attention_scores: bool,
}

impl AdditiveAttention {
    fn head(&self) -> SingleHead {
        SingleHead {
            dropout: self.dropout,
            seed: self.seed,
            causal: self.use_causal_mask,
            returns_scores: self.return_attention_scores,
        }
    }

    fn tanh<'a, F: Real>(&self, parameters: &Parameters<'a, F>) -> Tanh<'a, F> {
        Tanh { outer: F::ONE, inner: F::ONE, weight: self.use_scale.then(|| parameters.get(0)) }
    }
}

impl Score for AdditiveAttention {
    fn scores<F: Real>(&self, parameters: &Parameters<'_, F>, pair: Pair<'_, F>, scratch: &mut [F], scores: &mut [F]) {
        self.tanh(parameters).scores(pair, scratch, scores);
    }

    fn scores_backward<F: Real>(
        &self,
        parameters: &Parameters<'_, F>,
        pair: Pair<'_, F>,
        gradient: &[F],
        pair_gradients: [&mut [F]; 2],
        sums: &mut [F],
    ) {
        self.tanh(parameters).backward(pair, gradient, pair_gradients, sums);
    }

    fn write_parameters<F: Real>(&self, sums: &[F], gradients: &mut ParameterGradients<'_, F>) {
        normalize::write(gradients, self.use_scale.then_some(0), &sums[..sums.len() / 2]);
    }
}

impl Layer for AdditiveAttention {
    fn check(&self) -> Result<(), FieldError> {
        self.head().check()
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=3
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        SingleHead::output_shape(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let scale = self.use_scale.then(|| {
            ParameterSpec::trained("scale", Shape::vector(inputs[0].last()), &Initializer::GlorotUniform, None, None)
        });
        scale.into_iter().collect()
    }

    fn values(&self) -> usize {
        self.head().values()
    }

    fn other_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        self.head().other_shapes(inputs)
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        settings_checks::masks_of_steps(inputs, masks)
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        self.head().workspace(inputs)
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        SingleHead::cost(inputs)
    }

    fn uses_masks(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for AdditiveAttention {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.head().forward(self, cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.head().backward(self, cx);
    }
}
