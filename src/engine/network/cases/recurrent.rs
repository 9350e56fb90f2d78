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
    cases.into_iter().map(case).collect()
}
