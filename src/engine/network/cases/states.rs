//! Recurrent layers that give states, begin with some, or give both directions.

use super::Case;
use serde_json::{Value, json};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, states) in [("simple_rnn", 1), ("lstm", 2), ("gru", 1)] {
        let layer = json!({"type": kind, "units": 2, "return_state": true});
        cases.push(read(layer.clone(), &[vec![3, 2]], 0..=states));
        // What nobody reads has no gradient, and what two read has both of theirs.
        let mut sequences = layer.clone();
        sequences["return_sequences"] = json!(true);
        cases.push(read(sequences.clone(), &[vec![3, 2]], states..=states));
        sequences["activity_regularizer"] = json!({"type": "l1_l2", "l1": 0.2, "l2": 0.3});
        cases.push(read(sequences, &[vec![3, 2]], states..=states));
        let inputs = [vec![vec![3, 2]], vec![vec![2]; states]].concat();
        cases.push(read(layer.clone(), &inputs, 0..=states));
        let inputs = [vec![vec![3, 2]], vec![vec![2]; 2 * states]].concat();
        let both = json!({"type": "bidirectional", "layer": layer});
        cases.push(read(both.clone(), &inputs, 0..=2 * states));
        let mut apart = both;
        apart["merge_mode"] = Value::Null;
        cases.push(read(apart, &inputs[..1], 0..=2 * states + 1));
    }
    let layer = json!({"type": "lstm", "units": 2, "return_state": true, "dropout": 0.3, "recurrent_dropout": 0.3});
    let penalized = json!({"type": "lstm", "units": 2, "return_state": true, "activity_regularizer": "l2"});
    cases.push(read(json!({"type": "bidirectional", "layer": layer}), &[vec![3, 2]], 1..=4));
    cases.push(read(json!({"type": "bidirectional", "layer": penalized, "merge_mode": "sum"}), &[vec![3, 2]], 0..=4));
    cases
}

/// A layer of which some values are read, one after the other.
pub(super) fn read(settings: Value, inputs: &[Vec<usize>], values: std::ops::RangeInclusive<usize>) -> Case {
    let names: Vec<String> = values.map(|value| format!("layer/{value}")).collect();
    let after = match names.as_slice() {
        [name] => json!({"type": "activation", "activation": "tanh", "inputs": [name]}),
        names => json!({"type": "concatenate", "inputs": names}),
    };
    let inputs = inputs.to_vec();
    Case { settings, inputs, integers: None, before: Vec::new(), reads: Vec::new(), after: Some(after) }
}
