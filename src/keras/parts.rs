//! Layers within layers, and what is true of some layers alone.

use super::{
    layers::LAYERS,
    model::read_layer,
    translator::{Place, Translator},
};
use crate::engine::layer::AnyLayer;
use serde_json::{Map, Value};

const STEPS_OF_OLD_NORMALIZATION: &str = "batch normalization on each step takes its statistics over all steps together in \
                                          Keras 2, and over each step by itself in Keras 3 and here, expected a model of Keras 3";

/// A layer within another one, where its name says nothing, and which moves where the other one does.
pub(super) fn inner_layer(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let mut layer = read_layer(layer, place, translator)?;
    layer.shift_remove("name");
    if translator.old && layer.get("type").is_some_and(|kind| kind == "batch_normalization") {
        translator.refuse(place, STEPS_OF_OLD_NORMALIZATION);
    }
    Some(Value::Object(layer))
}

/// What is said of a model on each step that is not said of the model; errors are noted.
pub(super) fn check_each_step(layer: &Value, place: &Place, translator: &mut Translator) {
    let Some(mut config) = layer.get("config").and_then(Value::as_object).cloned() else { return };
    config.shift_remove("layer");
    let config_place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
    let Some(class) = translator.class(&LAYERS, "TimeDistributed", place) else { return };
    let settings = translator.settings(&LAYERS, class, &config, &config_place);
    if settings.contains_key("activity_regularizer") {
        let place = Place { keras: format!("{}/activity_regularizer", config_place.keras), ..config_place };
        translator.refuse(&place, "expected null for a model on each step, received a penalty");
    }
}

/// A layer of a model that runs on each step along `steps` axes.
pub(super) fn on_each_step(
    mut layer: Map<String, Value>,
    steps: usize,
    place: &Place,
    translator: &mut Translator,
) -> Map<String, Value> {
    if translator.old && layer.get("type").is_some_and(|kind| kind == "batch_normalization") {
        translator.refuse(place, STEPS_OF_OLD_NORMALIZATION);
    }
    if layer.contains_key("activity_regularizer") {
        translator
            .refuse(place, "expected no penalty on what a layer gives on each step, received an activity_regularizer");
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

/// Notes an error where a layer within one that moves is frozen: they move together or not at all.
pub(super) fn refuse_frozen_parts(config: &Map<String, Value>, place: &Place, translator: &mut Translator) {
    let frozen = |layer: &Value| layer.get("trainable") == Some(&Value::Bool(false));
    let moves = config.get("trainable") != Some(&Value::Bool(false));
    for part in ["layer", "backward_layer", "cell"] {
        if moves && config.get(part).and_then(|layer| layer.get("config")).is_some_and(frozen) {
            let place = Place { keras: format!("{}/{part}/config/trainable", place.keras), ..place.clone() };
            translator.refuse(&place, "expected true, as of the layer around it, received false");
        }
    }
}

/// In Keras 3, a penalty on the output of a layer does nothing where that runs on each step.
pub(super) fn forget_penalty(ours: &mut Map<String, Value>, old: bool) {
    if !old && ours.get("type").is_some_and(|kind| kind == "time_distributed") {
        let inner = ours.get_mut("layer").and_then(Value::as_object_mut);
        inner.and_then(|layer| layer.shift_remove("activity_regularizer"));
    }
}

/// Keras 2 counts negative axes of an attention from an axis that Keras 3 does not know.
pub(super) fn refuse_old_axes(kind: &str, config: &Map<String, Value>, place: &Place, translator: &mut Translator) {
    let axes = config.get("attention_axes").and_then(Value::as_array).into_iter().flatten();
    let below = axes.filter_map(Value::as_i64).any(|axis| axis < 0);
    if translator.old && kind == "multi_head_attention" && below {
        let place = Place { keras: format!("{}/attention_axes", place.keras), ..place.clone() };
        translator.refuse(
            &place,
            "`attention_axes` of Keras 2: expected axes counted from the batch axis, which is 0, received some below 0",
        );
    }
}

/// Keras 3 does not tell a recurrent layer of the mask of its sequence where it is called with an `initial_state` and
/// without a `mask`. `calls` are what it reads, `masked` whether it is given a mask.
pub(super) fn forget_masks(
    ours: &mut Map<String, Value>,
    calls: &[Vec<String>],
    masked: &[bool],
    place: &Place,
    translator: &mut Translator,
) {
    let is_recurrent = ours.get("type").and_then(Value::as_str).is_some_and(AnyLayer::is_recurrent);
    let told = calls.iter().zip(masked).map(|(call, masked)| call.len() < 2 || *masked).collect::<Vec<_>>();
    if !is_recurrent || !told.contains(&false) {
        return;
    }
    if told.contains(&true) {
        let detail = "expected every call to have an `initial_state` and no `mask`, or none of them, since masks are heeded \
                      in the others alone";
        translator.refuse(place, detail);
    }
    ignore_masks(ours);
}

/// Sets `use_mask` of a recurrent layer, or of those that it is made of.
fn ignore_masks(ours: &mut Map<String, Value>) {
    if !ours.contains_key("layer") {
        ours.insert("use_mask".into(), false.into());
    }
    for part in ["layer", "backward_layer"] {
        if let Some(layer) = ours.get_mut(part).and_then(Value::as_object_mut) {
            ignore_masks(layer);
        }
    }
}
