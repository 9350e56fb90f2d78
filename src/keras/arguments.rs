//! Arguments of a call that are no tensors.

use super::{channels, json::describe, place::Place, translator::Translator};
use serde_json::{Map, Value};

/// Arguments of a call that say how the layer works.
pub(super) fn read(
    ours: &mut Map<String, Value>,
    arguments: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    for (name, value) in arguments {
        let attends = ours.get("type").is_some_and(|kind| {
            ["multi_head_attention", "attention", "additive_attention"].iter().any(|known| kind == known)
        });
        let images = channels::kind_of(ours)
            .is_some_and(|kind| kind.starts_with("random_") || ["resizing", "center_crop"].contains(&kind));
        match (name.as_str(), value) {
            ("use_causal_mask", Value::Bool(causal)) if attends => {
                ours.insert("use_causal_mask".into(), (*causal).into());
            }
            ("return_attention_scores", Value::Bool(scores)) if attends => {
                if *scores {
                    ours.insert("return_attention_scores".into(), true.into());
                }
            }
            // What their calls have where nothing is said, and a model's own mode overrides, if it matters.
            ("training", Value::Bool(true)) if images => {}
            ("training", Value::Bool(false)) if !images => stop_training(ours),
            ("training", Value::Bool(true)) if !differs_in_training(ours) => {}
            _ => {
                let place = Place { keras: format!("{}/inbound_nodes", place.keras), ..place.clone() };
                let value = describe(value);
                translator.refuse(&place, format_args!("the argument `{name}` is not honoured, received {value}"));
            }
        }
    }
}

/// A layer of Keras 2 that is called with `training=False`: nothing is dropped, and no statistics of a batch are taken.
fn stop_training(ours: &mut Map<String, Value>) {
    match ours.get("type").and_then(Value::as_str).unwrap_or_default() {
        "batch_normalization" => {
            ours.insert("training".to_owned(), false.into());
        }
        kind => {
            for rate in rates(kind) {
                ours.insert((*rate).to_owned(), 0.0.into());
            }
        }
    }
    for part in ["layer", "backward_layer"] {
        if let Some(inner) = ours.get_mut(part).and_then(Value::as_object_mut) {
            stop_training(inner);
        }
    }
}

/// The settings that say how much is random in training.
fn rates(kind: &str) -> &'static [&'static str] {
    match kind {
        "dropout" | "spatial_dropout1d" | "spatial_dropout2d" | "spatial_dropout3d" | "gaussian_dropout"
        | "alpha_dropout" => &["rate"],
        "gaussian_noise" => &["stddev"],
        "simple_rnn" | "lstm" | "gru" => &["dropout", "recurrent_dropout"],
        "multi_head_attention" | "attention" | "additive_attention" => &["dropout"],
        _ => &[],
    }
}

/// Whether a layer computes something else in training than at prediction.
fn differs_in_training(ours: &Map<String, Value>) -> bool {
    let kind = ours.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_random = |rate: &&str| ours.get(*rate).and_then(Value::as_f64).is_some_and(|rate| rate != 0.0);
    kind == "batch_normalization"
        || rates(kind).iter().any(is_random)
        || ["layer", "backward_layer"].iter().filter_map(|part| ours.get(*part)?.as_object()).any(differs_in_training)
}
