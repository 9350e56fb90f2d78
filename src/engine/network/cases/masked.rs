//! Layers of whose inputs some steps are masked.

use super::Case;
use serde_json::json;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = recurrent();
    cases.extend(padded());
    cases.extend(merges());
    cases.extend(normalizations());
    cases
}

/// Recurrent layers on steps of which some are masked: dense between them and the mask shows the gradient of their
/// input.
fn recurrent() -> Vec<Case> {
    let mut cases = vec![
        json!({"type": "gru", "units": 2, "reset_after": false, "return_sequences": true}),
        json!({"type": "lstm", "units": 2, "recurrent_dropout": 0.4, "return_sequences": true}),
    ];
    for kind in ["simple_rnn", "lstm", "gru"] {
        for (sequences, backwards, zero) in [(false, false, false), (true, true, false), (true, false, true)] {
            cases.push(json!({
                "type": kind, "units": 2, "return_sequences": sequences, "go_backwards": backwards,
                "zero_output_for_mask": zero,
            }));
        }
        let layer = json!({"type": kind, "units": 2, "return_sequences": true});
        cases.push(json!({"type": "bidirectional", "layer": layer, "merge_mode": "mul"}));
    }
    let before = [json!({"type": "masking"}), json!({"type": "dense", "units": 3})];
    let case = |settings| Case { integers: Some(2), before: before.to_vec(), ..Case::new(settings, [[5, 2]]) };
    cases.into_iter().map(case).collect()
}

/// Layers that leave padding out, behind an embedding that masks some steps.
fn padded() -> Vec<Case> {
    let embedding = json!({"type": "embedding", "input_dim": 3, "output_dim": 4, "mask_zero": true});
    let block = json!({"intermediate_dim": 3, "num_heads": 2, "activation": "tanh"});
    let settings = ["transformer_encoder", "transformer_decoder"].into_iter().flat_map(|kind| {
        [0.0, 0.3].map(|dropout| {
            let mut settings = block.clone();
            settings["type"] = json!(kind);
            settings["dropout"] = json!(dropout);
            settings
        })
    });
    settings.map(|settings| Case { before: vec![embedding.clone()], ..Case::integers(settings, [[5]], 3) }).collect()
}

/// Merges of values whose masks differ, over one axis and over two, and of values without one.
fn merges() -> Vec<Case> {
    let before = vec![
        json!({"type": "masking"}),
        json!({"type": "masking", "mask_value": 1}),
        json!({"type": "dense", "units": 2, "activation": "tanh"}),
    ];
    let mut cases = Vec::new();
    for reads in [vec!["before_0", "before_2"], vec!["before_2", "input_0", "before_1"]] {
        for kind in ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"] {
            if kind == "subtract" && reads.len() > 2 {
                continue;
            }
            let case = Case {
                before: before.clone(),
                reads: reads.clone(),
                ..Case::integers(json!({"type": kind}), [[3, 2]], 2)
            };
            cases.push(Case { inputs: vec![vec![2, 3, 2]], ..case.clone() });
            cases.push(case);
        }
        for axis in [1, 2] {
            let settings = json!({"type": "concatenate", "axis": axis});
            let case = Case::integers(settings, [[2, 3, 2]], 2);
            cases.push(Case { before: before.clone(), reads: reads.clone(), ..case });
        }
    }
    cases
}

/// Batch normalization of the steps that count, together and each by itself.
fn normalizations() -> Vec<Case> {
    let before = vec![json!({"type": "masking"}), json!({"type": "dense", "units": 3})];
    let layer = json!({"type": "batch_normalization"});
    let settings = [
        layer.clone(),
        json!({"type": "batch_normalization", "axis": 1, "scale": false}),
        json!({"type": "time_distributed", "layer": layer}),
    ];
    settings.map(|settings| Case { before: before.clone(), ..Case::integers(settings, [[4, 2]], 2) }).into()
}
