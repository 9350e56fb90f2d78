//! Recurrent layers.

use super::Case;
use serde_json::{Value, json};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in ["simple_rnn", "lstm", "gru"] {
        for settings in [
            json!({"units": 3}),
            json!({"units": 2, "return_sequences": true, "use_bias": false}),
            json!({"units": 5, "go_backwards": true, "activation": "swish"}),
            json!({"units": 2, "return_sequences": true, "go_backwards": true, "activation": "softmax"}),
            json!({"units": 2, "dropout": 0.4, "return_sequences": true}),
            json!({"units": 2, "recurrent_dropout": 0.4, "seed": 3}),
            json!({"units": 3, "recurrent_dropout": 0.3, "dropout": 0.3}),
        ] {
            cases.push((kind, settings));
        }
    }
    for kind in ["lstm", "gru"] {
        cases.push((kind, json!({"units": 3, "recurrent_activation": "swish"})));
        cases.push((kind, json!({"units": 3, "recurrent_activation": "softmax", "activation": "gelu"})));
    }
    cases.push(("lstm", json!({"units": 2, "unit_forget_bias": false, "bias_initializer": "he_normal"})));
    for settings in [
        json!({"units": 3, "reset_after": false}),
        json!({"units": 3, "reset_after": false, "return_sequences": true, "use_bias": false}),
        json!({"units": 2, "reset_after": false, "recurrent_activation": "swish", "activation": "swish"}),
        json!({"units": 2, "reset_after": false, "recurrent_dropout": 0.4, "dropout": 0.2}),
    ] {
        cases.push(("gru", settings));
    }
    for (mode, sequences) in [("concat", false), ("sum", true), ("mul", false), ("mul", true), ("ave", true)] {
        let layer = json!({"type": "gru", "units": 2, "return_sequences": sequences});
        cases.push(("bidirectional", json!({"layer": layer, "merge_mode": mode})));
    }
    let layer = json!({"type": "lstm", "units": 3, "return_sequences": true, "go_backwards": true});
    let backward = json!({"type": "simple_rnn", "units": 2, "return_sequences": true});
    cases.push(("bidirectional", json!({"layer": layer, "backward_layer": backward})));
    let case = |(kind, mut settings): (&str, Value)| {
        settings["type"] = json!(kind);
        Case::new(settings, [[4, 3]])
    };
    let mut cases: Vec<Case> = cases.into_iter().map(case).collect();
    cases.extend(convolutions());
    cases
}

/// Convolutional ones, along one to three axes.
fn convolutions() -> Vec<Case> {
    let layer = json!({"type": "conv_lstm1d", "filters": 2, "kernel_size": 2, "return_sequences": true});
    vec![
        Case::new(json!({"type": "conv_lstm1d", "filters": 2, "kernel_size": 3, "padding": "same"}), [[3, 4, 2]]),
        Case::new(
            json!({"type": "conv_lstm1d", "filters": 2, "kernel_size": 2, "recurrent_dropout": 0.3, "dropout": 0.3}),
            [[3, 4, 2]],
        ),
        Case::new(
            json!({"type": "conv_lstm1d", "filters": 2, "kernel_size": 2, "strides": 2, "dropout": 0.3}),
            [[3, 5, 1]],
        ),
        Case::new(json!({"type": "bidirectional", "layer": layer, "merge_mode": "mul"}), [[3, 4, 1]]),
        Case::new(
            json!({
                "type": "conv_lstm2d", "filters": 2, "kernel_size": [2, 1], "strides": [1, 2], "activation": "swish",
                "recurrent_activation": "softmax", "return_sequences": true, "go_backwards": true,
            }),
            [[2, 3, 3, 1]],
        ),
        Case::new(
            json!({"type": "conv_lstm2d", "filters": 1, "kernel_size": 2, "dilation_rate": 2, "use_bias": false}),
            [[2, 3, 4, 2]],
        ),
        Case::new(json!({"type": "conv_lstm3d", "filters": 1, "kernel_size": [1, 2, 1]}), [[2, 2, 2, 1, 2]]),
    ]
}
