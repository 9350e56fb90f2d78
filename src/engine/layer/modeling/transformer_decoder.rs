//! [`TransformerDecoder`].

use super::{
    transformer_block::Block,
    transformer_encoder::{layer_norm_epsilon, relu},
};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    init::Initializer,
    layer::{Composition, Part, Source, settings_checks},
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// A decoder's block of a transformer: `y = norm(x + dropout(attention(x, x)))`, where steps attend only to steps up to their
/// own; with a second input, what an encoder made, `y = norm(y + dropout(attention(y, encoded)))`; then
/// `z = norm(y + dropout(dense(activation(dense(y)))))`.
///
/// Steps that are masked as padding are not attended to; they attend to others like any step.
///
/// With `normalize_first`, what goes into each attention and into the first dense layer is normalized instead of the sums.
///
/// # Shapes
/// `[batch, steps, dim]` and optionally `[batch, …, …]` to `[batch, steps, dim]`. Its parts are a `multi_head_attention`
/// named `self_attention`, with two inputs another one `cross_attention`, the `layer_normalization` layers
/// `self_attention_layer_norm`, `cross_attention_layer_norm` and `feedforward_layer_norm`, and the `dense` layers
/// `feedforward_intermediate_dense` and `feedforward_output_dense`.
///
/// Source: <https://keras.io/keras_hub/api/modeling_layers/transformer_decoder/>, <https://arxiv.org/abs/1706.03762>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformerDecoder {
    /// Units of the first dense layer, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub intermediate_dim: usize,
    /// Heads of each attention, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub num_heads: usize,
    /// Size of each head; the first input's last axis divided by `num_heads` where absent.
    #[serde(default, deserialize_with = "settings_checks::optional_count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub key_dim: Option<usize>,
    /// The fraction that is dropped in training: of the attentions' weights, and of what is added to the input.
    #[serde(default)]
    pub dropout: f64,
    /// Between the dense layers.
    #[serde(default = "relu")]
    pub activation: Activation,
    /// The epsilon of the normalizations, more than 0.
    #[serde(default = "layer_norm_epsilon")]
    #[schema(default = 1e-5)]
    pub layer_norm_epsilon: f64,
    /// Initializer for the kernels.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// Initializer for the biases.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Whether the inputs of attention and dense layers are normalized, rather than the sums after them.
    #[serde(default)]
    pub normalize_first: bool,
    /// Whether to use a causal mask: a step attends only to itself and earlier steps; an argument of the layer's call in Keras.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_causal_mask: bool,
}

impl TransformerDecoder {
    fn block(&self) -> Block<'_> {
        Block {
            intermediate_dim: self.intermediate_dim,
            num_heads: self.num_heads,
            key_dim: self.key_dim,
            dropout: self.dropout,
            activation: &self.activation,
            layer_norm_epsilon: self.layer_norm_epsilon,
            kernel_initializer: &self.kernel_initializer,
            bias_initializer: &self.bias_initializer,
            normalize_first: self.normalize_first,
            masked_queries_attend: true,
            parts: Vec::new(),
        }
    }
}

impl Composition for TransformerDecoder {
    fn check(&self) -> Result<(), FieldError> {
        self.block().check()
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=2
    }

    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
        inputs.iter().try_for_each(settings_checks::sequence)?;
        let mut block = self.block();
        let (shape, name) = (&inputs[0], "self_attention");
        let mut x = block.attention(name, name, Source::Input(0), None, self.use_causal_mask, shape)?;
        if inputs.len() > 1 {
            let name = "cross_attention";
            x = block.attention(name, name, x, Some(Source::Input(1)), false, shape)?;
        }
        block.feedforward(x, shape)?;
        Ok(block.parts)
    }
}
