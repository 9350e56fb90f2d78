//! Keras's recurrent layers and what stands in their options.

use super::{
    class::{Class, Plain, Rule, UNSET},
    layers::SEED,
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
};

const OFF: Rule = Rule::Only(&[Plain::Bool(false)]);

/// The options that recurrent layers have in common, and those of one of them.
macro_rules! options {
    ($($option:expr),* $(,)?) => {
        &[
            ("units", Rule::Same),
            ("activation", Rule::Activation),
            ("use_bias", Rule::Same),
            ("kernel_initializer", Rule::Object(&INITIALIZERS)),
            ("recurrent_initializer", Rule::Object(&INITIALIZERS)),
            ("bias_initializer", Rule::Object(&INITIALIZERS)),
            ("kernel_regularizer", Rule::Object(&REGULARIZERS)),
            ("recurrent_regularizer", Rule::Object(&REGULARIZERS)),
            ("bias_regularizer", Rule::Object(&REGULARIZERS)),
            ("activity_regularizer", Rule::Object(&REGULARIZERS)),
            ("kernel_constraint", Rule::Object(&CONSTRAINTS)),
            ("recurrent_constraint", Rule::Object(&CONSTRAINTS)),
            ("bias_constraint", Rule::Object(&CONSTRAINTS)),
            ("dropout", Rule::Same),
            ("recurrent_dropout", Rule::Same),
            SEED,
            ("return_sequences", Rule::Same),
            ("return_state", Rule::Same),
            ("go_backwards", Rule::Same),
            ("stateful", OFF),
            ("time_major", OFF),
            ("zero_output_for_mask", Rule::Same),
            // How the same is computed.
            ("unroll", Rule::Ignored),
            ("implementation", Rule::Only(&[Plain::Number(0.0), Plain::Number(1.0), Plain::Number(2.0)])),
            ("use_cudnn", Rule::Ignored),
            ("quantization_config", UNSET),
            $($option),*
        ]
    };
}

pub(super) const SIMPLE_RNN: Class = Class { names: &["SimpleRNN"], kind: "simple_rnn", options: options![] };

pub(super) const LSTM: Class = Class {
    names: &["LSTM"],
    kind: "lstm",
    options: options![("recurrent_activation", Rule::Activation), ("unit_forget_bias", Rule::Same)],
};

pub(super) const GRU: Class = Class {
    names: &["GRU"],
    kind: "gru",
    options: options![("recurrent_activation", Rule::Activation), ("reset_after", Rule::Same)],
};

pub(super) const BIDIRECTIONAL: Class = Class {
    names: &["Bidirectional"],
    kind: "bidirectional",
    options: &[("layer", Rule::Layer), ("merge_mode", Rule::Same), ("backward_layer", Rule::Layer)],
};
