//! [`TransformerEncoder`].

use super::transformer_block::Block;
use crate::engine::{
    activation::{Activation, Relu},
    field::FieldError,
    init::Initializer,
    layer::{Composition, Part, Source, settings_checks},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// An encoder's block of a transformer: `y = norm(x + dropout(attention(x, x)))`, then
/// `z = norm(y + dropout(dense(activation(dense(y)))))`.
///
/// With `normalize_first`, `y = x + dropout(attention(norm(x), norm(x)))` and
/// `z = y + dropout(dense(activation(dense(norm(y)))))`. Steps that are masked as padding are not attended to.
///
/// # Shapes
/// `[batch, steps, dim]`, unchanged. Its parts are a `multi_head_attention` named `self_attention_layer`, a
/// `layer_normalization` `self_attention_layer_norm`, `dense` layers `feedforward_intermediate_dense` and
/// `feedforward_output_dense`, and a `layer_normalization` `feedforward_layer_norm`.
///
/// Source: <https://keras.io/keras_hub/api/modeling_layers/transformer_encoder/>, <https://arxiv.org/abs/1706.03762>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformerEncoder {
    /// Units of the first dense layer, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub intermediate_dim: usize,
    /// Heads of the attention, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub num_heads: usize,
    /// Size of each head; the input's last axis divided by `num_heads` where absent.
    #[serde(default, deserialize_with = "settings_checks::optional_count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub key_dim: Option<usize>,
    /// The fraction that is dropped in training: of the attention's weights, and of what is added to the input.
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
}

pub(crate) fn relu() -> Activation {
    Activation::Relu(Relu::default())
}

pub(crate) fn layer_norm_epsilon() -> f64 {
    1e-5
}

impl TransformerEncoder {
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
            masked_queries_attend: false,
            parts: Vec::new(),
        }
    }
}

impl Composition for TransformerEncoder {
    fn check(&self) -> Result<(), FieldError> {
        self.block().check()
    }

    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
        settings_checks::sequence(&inputs[0])?;
        let mut block = self.block();
        let x = Source::Input(0);
        let x = block.attention("self_attention_layer", "self_attention", x, None, false, &inputs[0])?;
        block.feedforward(x, &inputs[0])?;
        Ok(block.parts)
    }
}
