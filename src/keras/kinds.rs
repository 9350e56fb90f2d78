//! The kinds of our registries, by the names that Keras has for them.

use crate::engine::{layer::AnyLayer, registry};
use serde_json::Value;
use std::borrow::Cow;

/// A kind of ours whose name and fields are Keras's.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its `type`.
    pub name: &'static str,
    /// Keras's names; the class's own is the first.
    pub names: Vec<Cow<'static, str>>,
    /// Its fields.
    pub fields: Vec<String>,
}

/// Layers of ours that are no layers of Keras: its operators, and what it does not have. A class of such a name is its
/// author's.
const NOT_IN_KERAS: [&str; 77] = [
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "broadcast_to",
    "ceil",
    "channels_first",
    "clip",
    "constant",
    "cos",
    "cosh",
    "cumsum",
    "divide",
    "einsum",
    "equal",
    "erf",
    "expand_dims",
    "expm1",
    "exponentiate",
    "flip",
    "floor",
    "floor_divide",
    "get_item",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "max",
    "mean",
    "min",
    "mod",
    "norm",
    "not_equal",
    "one_hot",
    "pad",
    "position_embedding",
    "power",
    "prod",
    "reciprocal",
    "repeat",
    "roll",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sine_position_encoding",
    "sinh",
    "split",
    "sqrt",
    "square",
    "stack",
    "std",
    "sum",
    "take",
    "tan",
    "tile",
    "transformer_decoder",
    "transformer_encoder",
    "trunc",
    "var",
    "where",
];

/// Layers that are activations in every case.
const ACTIVATIONS: [&str; 2] = ["elu", "leaky_relu"];

/// Fields of recurrent layers that are of the sequence, and that a cell does not have.
const OF_A_SEQUENCE: [&str; 6] =
    ["activity_regularizer", "go_backwards", "return_sequences", "return_state", "use_mask", "zero_output_for_mask"];

/// The layers that are classes of Keras's.
pub(super) fn layers() -> Vec<Kind> {
    let is_layer = |kind: &str| !NOT_IN_KERAS.contains(&kind) && !ACTIVATIONS.contains(&kind);
    let schemas = AnyLayer::schemas().into_iter().filter(|(kind, _)| is_layer(kind));
    schemas.map(|(name, schema)| Kind { name, names: vec![class_name(name).into()], fields: fields(&schema) }).collect()
}

/// The cells of recurrent layers: `LSTMCell`.
pub(super) fn cells() -> Vec<Kind> {
    let is_cell = |kind: &Kind| ["simple_rnn", "lstm", "gru"].contains(&kind.name);
    let cell = |mut kind: Kind| {
        kind.names = vec![(class_name(kind.name) + "Cell").into()];
        kind.fields.retain(|field| !OF_A_SEQUENCE.contains(&field.as_str()));
        kind
    };
    layers().into_iter().filter(is_cell).map(cell).collect()
}

/// The members of a registry but for `others`, by their classes and by their names.
pub(super) fn classes<T: registry::Family>(others: &[&str]) -> Vec<Kind> {
    let members = T::members().into_iter().filter(|member| !others.contains(&member.name));
    let kind = |registry::Registered { name, settings, .. }| Kind {
        name,
        names: vec![class_name(name).into(), name.into()],
        fields: settings.as_ref().map(fields).unwrap_or_default(),
    };
    members.map(kind).collect()
}

/// The members of a registry as functions, which have no options.
pub(super) fn functions<T: registry::Family>() -> Vec<Kind> {
    T::NAMES.iter().map(|&name| Kind { name, names: vec![name.into()], fields: Vec::new() }).collect()
}

/// The fields of some settings.
fn fields(schema: &impl serde::Serialize) -> Vec<String> {
    let schema = serde_json::to_value(schema).unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(field, _)| field.clone()).collect()
}

/// The name of a class in Keras: `MaxPooling1D` for `max_pooling1d`.
fn class_name(kind: &str) -> String {
    // Words that Keras spells with other capitals than a first one.
    const WORDS: [(&str, &str); 18] = [
        ("adamw", "AdamW"),
        ("auc", "AUC"),
        ("elu", "ELU"),
        ("fbeta", "FBeta"),
        ("gru", "GRU"),
        ("iou", "IoU"),
        ("kl", "KL"),
        ("lstm", "LSTM"),
        ("lstm1d", "LSTM1D"),
        ("lstm2d", "LSTM2D"),
        ("lstm3d", "LSTM3D"),
        ("prelu", "PReLU"),
        ("relu", "ReLU"),
        ("rms", "RMS"),
        ("rmsprop", "RMSprop"),
        ("rnn", "RNN"),
        ("sgd", "SGD"),
        ("stft", "STFT"),
    ];
    let word = |word: &str| match WORDS.iter().find(|(own, _)| *own == word) {
        Some((_, spelled)) => (*spelled).to_owned(),
        None => {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            let axes = rest.strip_suffix('d').filter(|rest| rest.ends_with(|last: char| last.is_ascii_digit()));
            first.to_ascii_uppercase() + &axes.map_or_else(|| rest.to_owned(), |rest| format!("{rest}D"))
        }
    };
    kind.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_spelled_as_in_keras() {
        for (kind, class) in [
            ("dense", "Dense"),
            ("conv1d_transpose", "Conv1DTranspose"),
            ("max_pooling3d", "MaxPooling3D"),
            ("conv_lstm2d", "ConvLSTM2D"),
            ("leaky_relu", "LeakyReLU"),
            ("simple_rnn", "SimpleRNN"),
            ("rms_normalization", "RMSNormalization"),
            ("l1_l2", "L1L2"),
            ("mean_iou", "MeanIoU"),
            ("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"),
        ] {
            assert_eq!(class_name(kind), class);
        }
    }

    #[test]
    fn kinds_that_keras_does_not_have_are_kinds() {
        for kind in NOT_IN_KERAS {
            assert!(AnyLayer::kinds().contains(&kind), "{kind}");
        }
    }
}
