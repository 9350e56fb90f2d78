//! Arguments of a call that are no tensors.

use super::{channels, json::describe, layers::LAYERS, place::Place, translator::Translator};
use serde_json::{Map, Value};

/// Arguments of a call that say how the layer works.
pub(super) fn read(
    ours: &mut Map<String, Value>,
    arguments: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    for (name, value) in arguments {
        let attends = kind_of(ours).is_some_and(|kind| has_field(kind, "return_attention_scores"));
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
            // The default of these layers, which a model's own mode overrides where it has an effect.
            ("training", Value::Bool(true)) if images => {}
            ("training", Value::Bool(false)) if !images => stop_training(ours),
            ("training", Value::Bool(true)) if !differs_in_training(ours) => {}
            _ => {
                let place = Place { keras: format!("{}/inbound_nodes", place.keras), ..place.clone() };
                let value = describe(value);
                translator.refuse(
                    &place,
                    format_args!("the argument `{name}` of a call is not supported with this value, expected a call without it, received {value}"),
                );
            }
        }
    }
}

/// A layer of Keras 2 that is called with `training=False`: nothing is dropped, and no statistics of a batch are taken.
fn stop_training(ours: &mut Map<String, Value>) {
    let kind = kind_of(ours).unwrap_or_default().to_owned();
    if kind == "batch_normalization" {
        ours.insert("training".to_owned(), false.into());
    }
    for rate in rates(&kind) {
        ours.insert(rate.to_owned(), 0.0.into());
    }
    for part in ["layer", "backward_layer"] {
        if let Some(inner) = ours.get_mut(part).and_then(Value::as_object_mut) {
            stop_training(inner);
        }
    }
}

/// The fields of a layer that say how much is random in training.
fn rates(kind: &str) -> impl Iterator<Item = &'static str> {
    const RATES: [&str; 5] = ["rate", "stddev", "dropout", "recurrent_dropout", "drop_path_rate"];
    RATES.into_iter().filter(move |rate| has_field(kind, rate))
}

/// Whether layers of this `type` have a field.
fn has_field(kind: &str, field: &str) -> bool {
    let class = LAYERS.classes.iter().find(|class| class.kind == kind);
    class.is_some_and(|class| class.options.iter().any(|(option, _)| option == field))
}

fn kind_of(ours: &Map<String, Value>) -> Option<&str> {
    ours.get("type").and_then(Value::as_str)
}

/// Whether a layer computes something else in training than at prediction.
fn differs_in_training(ours: &Map<String, Value>) -> bool {
    let kind = kind_of(ours).unwrap_or_default();
    let is_random = |rate: &str| ours.get(rate).and_then(Value::as_f64).is_some_and(|rate| rate != 0.0);
    kind == "batch_normalization"
        || rates(kind).any(is_random)
        || ["layer", "backward_layer"].iter().filter_map(|part| ours.get(*part)?.as_object()).any(differs_in_training)
}
