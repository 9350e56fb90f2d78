//! [`Attention`].

use super::attention_core::{Pair, Score, SingleHead, Tanh};
use crate::engine::{
    field::FieldError,
    init::Initializer,
    kernel::{self, Matrix},
    layer::{
        Backward, Compute, Forward, Layer, MaskRule, ParameterGradients, ParameterSpec, Parameters, Workspace,
        normalization::normalize, settings_checks,
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Each step of a query gathers what it finds in the steps of a value: `dropout(softmax(scores)) · value`.
///
/// Inputs are `[query, value]` or `[query, value, key]`; without a key, the value is the key too. The scores are
/// `scale * query · keyᵀ`, or with the mode `concat` `concat_score_weight * sum(tanh(scale * (query + key)))` over the
/// features. Steps of the value that are masked as padding are not attended to, nor are later ones where the mask is causal;
/// masked steps of the query give zeros.
///
/// # Shapes
/// Query `[batch, queries, dim]`, value `[batch, keys, value_dim]`, key `[batch, keys, dim]`, output
/// `[batch, queries, value_dim]`, attention scores `[batch, queries, keys]`; scale and concat_score_weight are single numbers.
///
/// Source: <https://keras.io/api/layers/attention_layers/attention/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Attention {
    /// Whether there is a scale.
    pub use_scale: bool,
    /// How scores are computed.
    pub score_mode: ScoreMode,
    /// The fraction of the weights of steps that is dropped in training: 0 or more, less than 1.
    pub dropout: f64,
    /// Takes the place of the job's seed for this layer's dropout.
    pub seed: Option<u64>,
    /// Whether to use a causal mask: a step attends only to itself and earlier steps; an argument of the layer's call in Keras.
    pub use_causal_mask: bool,
    /// Whether the layer outputs the attention scores, `[batch, queries, keys]` after dropout, as a second value, `name/1`; an
    /// argument of the layer's call in Keras.
    pub return_attention_scores: bool,
}

/// How well a query fits a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreMode {
    /// By their product.
    #[default]
    Dot,
    /// By the hyperbolic tangents of their sums.
    Concat,
}

impl Attention {
    fn head(&self) -> SingleHead {
        SingleHead {
            dropout: self.dropout,
            seed: self.seed,
            causal: self.use_causal_mask,
            returns_scores: self.return_attention_scores,
        }
    }

    fn scale<F: Real>(&self, parameters: &Parameters<'_, F>) -> F {
        if self.use_scale { parameters.get(0)[0] } else { F::ONE }
    }

    fn tanh<F: Real>(&self, parameters: &Parameters<'_, F>) -> Tanh<'static, F> {
        let outer = parameters.get(usize::from(self.use_scale))[0];
        Tanh { outer, inner: self.scale(parameters), weight: None }
    }
}

impl Score for Attention {
    fn scores<F: Real>(&self, parameters: &Parameters<'_, F>, pair: Pair<'_, F>, scratch: &mut [F], scores: &mut [F]) {
        if self.score_mode == ScoreMode::Concat {
            return self.tanh(parameters).scores(pair, scratch, scores);
        }
        let (query, key) = (Matrix::new(pair.query, pair.dim), Matrix::new(pair.key, pair.dim));
        kernel::product(key, query.transposed(), scores, false);
        if self.use_scale {
            let scale = self.scale(parameters);
            scores.iter_mut().for_each(|score| *score *= scale);
        }
    }

    /// Sums in the mode `dot`: for each feature, the gradient of the scale.
    fn scores_backward<F: Real>(
        &self,
        parameters: &Parameters<'_, F>,
        pair: Pair<'_, F>,
        gradient: &[F],
        pair_gradients: [&mut [F]; 2],
        sums: &mut [F],
    ) {
        if self.score_mode == ScoreMode::Concat {
            return self.tanh(parameters).backward(pair, gradient, pair_gradients, sums);
        }
        let [query_gradient, key_gradient] = pair_gradients;
        let (query, key) = (Matrix::new(pair.query, pair.dim), Matrix::new(pair.key, pair.dim));
        let gradient = Matrix::new(gradient, pair.query.len() / pair.dim);
        kernel::product(gradient.transposed(), key, query_gradient, false);
        kernel::product(gradient, query, key_gradient, false);
        if self.use_scale {
            for (gradient, query) in query_gradient.chunks_exact(pair.dim).zip(pair.query.chunks_exact(pair.dim)) {
                for ((sum, &gradient), &query) in sums.iter_mut().zip(gradient).zip(query) {
                    *sum += gradient * query;
                }
            }
            let scale = self.scale(parameters);
            for gradient in [query_gradient, key_gradient] {
                gradient.iter_mut().for_each(|gradient| *gradient *= scale);
            }
        }
    }

    fn write_parameters<F: Real>(&self, sums: &[F], gradients: &mut ParameterGradients<'_, F>) {
        let total = |sums: &[F]| sums.iter().copied().sum::<F>();
        let (first, second) = sums.split_at(sums.len() / 2);
        let concat = self.score_mode == ScoreMode::Concat;
        let scale = if concat { total(second) } else { total(first) };
        normalize::write(gradients, self.use_scale.then_some(0), &[scale]);
        normalize::write(gradients, concat.then_some(usize::from(self.use_scale)), &[total(first)]);
    }
}

impl Layer for Attention {
    fn check(&self) -> Result<(), FieldError> {
        self.head().check()
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=3
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        SingleHead::output_shape(inputs)
    }

    fn parameters(&self, _: &[Shape]) -> Vec<ParameterSpec> {
        let parameter = |name| ParameterSpec::trained(name, Shape(Vec::new()), &Initializer::Ones, None, None);
        let weight = (self.score_mode == ScoreMode::Concat).then(|| parameter("concat_score_weight"));
        self.use_scale.then(|| parameter("scale")).into_iter().chain(weight).collect()
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

impl<F: Real> Compute<F> for Attention {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.head().forward(self, cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.head().backward(self, cx);
    }
}
