//! Residual branches, wrapped layers, and attention whose scores are read.

use super::{Case, states::read};
use serde_json::{Value, json};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(json!({"type": "layer_scale", "init_values": 0.5, "projection_dim": 3}), [[2, 3]]),
        Case::new(json!({"type": "stochastic_depth", "drop_path_rate": 0.4}), [[2, 3]]),
        Case::new(json!({"type": "custom_scale_layer", "scale": 0.17}), [[2, 3], [2, 3]]),
    ];
    let conv = json!({"type": "conv2d", "filters": 2, "kernel_size": 2, "activation": "tanh"});
    for layer in [
        json!({"type": "dense", "units": 3, "activation": "tanh"}),
        json!({"type": "dense", "units": 3, "use_bias": false}),
        conv.clone(),
        json!({"type": "conv2d_transpose", "filters": 2, "kernel_size": 2}),
        json!({"type": "depthwise_conv2d", "kernel_size": 2}),
    ] {
        cases.push(Case::new(json!({"type": "spectral_normalization", "layer": layer}), [[3, 3, 2]]));
    }
    for layer in [
        conv,
        json!({"type": "max_pooling2d"}),
        json!({"type": "global_average_pooling2d"}),
        json!({"type": "flatten"}),
    ] {
        cases.push(Case::new(json!({"type": "channels_first", "layer": layer}), [[2, 3, 4]]));
    }
    for dropout in [0.0, 0.3] {
        for settings in [
            json!({"type": "attention", "use_scale": true}),
            json!({"type": "additive_attention"}),
            json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2, "use_causal_mask": true}),
        ] {
            for values in [0..=1, 1..=1] {
                cases.push(with_scores(settings.clone(), dropout, values));
            }
        }
    }
    cases
}

/// An attention of as many queries as keys, so that output and scores can be concatenated along their last axes.
fn with_scores(mut settings: Value, dropout: f64, values: std::ops::RangeInclusive<usize>) -> Case {
    settings["dropout"] = json!(dropout);
    settings["return_attention_scores"] = json!(true);
    // Scores of heads have an axis more than the output.
    let heads = settings["type"] == "multi_head_attention" && *values.start() == 0;
    read(settings, &[vec![3, 4], vec![3, 4]], if heads { 1..=1 } else { values })
}
