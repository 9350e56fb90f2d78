//! A model on each step of a sequence (`TimeDistributed`): its layers run on each step.

use super::{layer::STEPS_OF_OLD_NORMALIZATION, layers::LAYERS, place::Place, translator::Translator};
use serde_json::{Map, Value};

/// Notes an error for each option of a `TimeDistributed` around a model that is not supported.
pub(super) fn check(layer: &Value, place: &Place, translator: &mut Translator) {
    let Some(mut config) = layer.get("config").and_then(Value::as_object).cloned() else { return };
    config.shift_remove("layer");
    let config_place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
    let Some(class) = translator.class(&LAYERS, "TimeDistributed", place) else { return };
    let settings = translator.settings(&LAYERS, class, &config, &config_place);
    if settings.contains_key("activity_regularizer") {
        let place = Place { keras: format!("{}/activity_regularizer", config_place.keras), ..config_place };
        translator.refuse(&place, "expected null for a model on each step, received a regularizer");
    }
}

/// A layer of a model that runs on each step along `steps` axes.
pub(super) fn wrap(
    mut layer: Map<String, Value>,
    steps: usize,
    place: &Place,
    translator: &mut Translator,
) -> Map<String, Value> {
    if translator.old && layer.get("type").is_some_and(|kind| kind == "batch_normalization") {
        translator.refuse(place, STEPS_OF_OLD_NORMALIZATION);
    }
    if layer.contains_key("activity_regularizer") {
        translator.refuse(place, "expected no `activity_regularizer` within a model on each step, received one");
    }
    if layer.get("mask_zero") == Some(&Value::Bool(true)) || layer.get("type").is_some_and(|kind| kind == "masking") {
        translator.refuse(place, "expected no masks within a model on each step, received a layer that makes them");
    }
    layer.shift_remove("name");
    for _ in 0..steps {
        layer = Map::from_iter([("type".into(), "time_distributed".into()), ("layer".into(), Value::Object(layer))]);
    }
    layer
}
