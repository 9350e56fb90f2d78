//! Keras's recurrent layers and what stands in their options.

use super::{
    class::{Class, Family, Plain, Rule, UNSET},
    layers::{COMMON, SEED},
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
    translator::{Place, Translator},
};
use serde_json::{Map, Value};

const OFF: Rule = Rule::Only(&[Plain::Bool(false)]);
const IMPLEMENTATION: Rule = Rule::Only(&[Plain::Number(0.0), Plain::Number(1.0), Plain::Number(2.0)]);
/// Every batch begins with the state zero.
const STATELESS: Rule = OFF;

/// The options of one kind of layer, and those that each has that processes sequences.
macro_rules! sequence_options {
    ($($option:expr),* $(,)?) => {
        &[
            $($option,)*
            ("activity_regularizer", Rule::Object(&REGULARIZERS)),
            ("return_sequences", Rule::Same),
            ("return_state", Rule::Same),
            ("go_backwards", Rule::Same),
            ("stateful", STATELESS),
            ("time_major", OFF),
            ("zero_output_for_mask", Rule::Same),
            // How the same is computed.
            ("unroll", Rule::Ignored),
        ]
    };
}

/// The options that the weights of recurrent layers and cells have in common, before those of `$then`.
macro_rules! weight_options {
    ($then:ident, $($option:expr),* $(,)?) => {
        $then![
            $($option,)*
            ("activation", Rule::Activation),
            ("use_bias", Rule::Same),
            ("kernel_initializer", Rule::Object(&INITIALIZERS)),
            ("recurrent_initializer", Rule::Object(&INITIALIZERS)),
            ("bias_initializer", Rule::Object(&INITIALIZERS)),
            ("kernel_regularizer", Rule::Object(&REGULARIZERS)),
            ("recurrent_regularizer", Rule::Object(&REGULARIZERS)),
            ("bias_regularizer", Rule::Object(&REGULARIZERS)),
            ("kernel_constraint", Rule::Object(&CONSTRAINTS)),
            ("recurrent_constraint", Rule::Object(&CONSTRAINTS)),
            ("bias_constraint", Rule::Object(&CONSTRAINTS)),
            ("dropout", Rule::Same),
            ("recurrent_dropout", Rule::Same),
            SEED,
        ]
    };
}

/// The options of a layer of units.
macro_rules! options {
    ($($option:expr),* $(,)?) => {
        weight_options![
            sequence_options,
            ("units", Rule::Same),
            ("implementation", IMPLEMENTATION),
            ("use_cudnn", Rule::Ignored),
            ("quantization_config", UNSET),
            $($option),*
        ]
    };
}

/// A list as it stands.
macro_rules! list {
    ($($option:expr),* $(,)?) => { &[$($option),*] };
}

/// The options of a cell of units.
macro_rules! cell_options {
    ($($option:expr),* $(,)?) => {
        weight_options![
            list,
            ("units", Rule::Same),
            ("implementation", IMPLEMENTATION),
            ("quantization_config", UNSET),
            // Of what a cell gives at each step, masked or not.
            ("activity_regularizer", UNSET),
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

/// `ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`.
pub(super) const fn conv_lstm(names: &'static [&'static str], kind: &'static str) -> Class {
    let options = weight_options![
        sequence_options,
        ("filters", Rule::Same),
        ("kernel_size", Rule::Same),
        ("strides", Rule::Same),
        ("padding", Rule::Same),
        ("data_format", Rule::Only(&[Plain::Text("channels_last")])),
        ("dilation_rate", Rule::Same),
        ("recurrent_activation", Rule::Activation),
        ("unit_forget_bias", Rule::Same),
    ];
    Class { names, kind, options }
}

/// A layer of the kind that its cell says.
pub(super) const RNN: Class =
    Class { names: &["RNN"], kind: "lstm", options: sequence_options![("cell", Rule::Elsewhere)] };

/// What may stand in the option `cell` of [`RNN`].
pub(super) const CELLS: Family = Family {
    what: "cell",
    classes: &[
        Class { names: &["SimpleRNNCell"], kind: "simple_rnn", options: cell_options![] },
        Class {
            names: &["LSTMCell"],
            kind: "lstm",
            options: cell_options![("recurrent_activation", Rule::Activation), ("unit_forget_bias", Rule::Same)],
        },
        Class {
            names: &["GRUCell"],
            kind: "gru",
            options: cell_options![("recurrent_activation", Rule::Activation), ("reset_after", Rule::Same)],
        },
    ],
    common: &COMMON,
};

/// Completes what was read of an [`RNN`] by what its cell says; errors are noted. `place` is that of `config`.
pub(super) fn complete(
    ours: &mut Map<String, Value>,
    config: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    let place = Place { keras: format!("{}/cell", place.keras), ..place.clone() };
    let cell = config.get("cell").unwrap_or(&Value::Null);
    let Some(object) = translator.object(&CELLS, cell, &place) else { return };
    let class_place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    if object.class == "StackedRNNCells" {
        let detail = "stacked cells are not supported, expected a layer for each cell, all but the last one with \
                      `return_sequences`, which compute the same";
        return translator.refuse(&class_place, detail);
    }
    let Some(class) = translator.class(&CELLS, object.class, &class_place) else { return };
    ours.insert("type".into(), class.kind.into());
    if let Some(config) = object.config {
        let place = Place { keras: format!("{}/config", place.keras), ..place };
        ours.extend(translator.settings(&CELLS, class, config, &place));
    }
}
