//! One of Keras's layers, and those within it, as one of ours.

use super::{
    activations::ACTIVATION_LAYERS,
    channels,
    class::{Class, Family, Rule},
    einsum,
    json::{EINSUM_DENSE, is_operator, named, our_name},
    layers::{APPLICATIONS, INPUT, LAYERS, RNN},
    place::Place,
    recurrent,
    translator::Translator,
};
use serde_json::{Map, Value};

/// The layer of an input, whose options are checked.
pub(super) fn read_input(layer: &Value, place: &Place, translator: &mut Translator) {
    let Some(object) = translator.object(&INPUT, layer, place) else { return };
    let Some(class) = translator.class(&INPUT, object.class, place) else { return };
    if let Some(config) = object.config {
        let place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
        translator.settings(&INPUT, class, config, &place);
    }
}

/// A layer of one of Keras's classes.
pub(super) fn read_class(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Map<String, Value>> {
    let object = translator.object(&LAYERS, layer, place)?;
    let config_place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
    translator.came_from(&config_place);
    let empty = Map::new();
    let config = object.config.unwrap_or(&empty);
    // An activation where its options make it one that is known here, else a layer of its own.
    let is_activation = ACTIVATION_LAYERS.get(object.class).is_some_and(|class| class.supports(config));
    let family: &'static Family = if is_activation { &ACTIVATION_LAYERS } else { &LAYERS };
    let class_place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    let class = translator.class(family, object.class, &class_place)?;
    let mut ours = Map::new();
    if let Some(name) = config.get("name").filter(|name| !name.is_null()) {
        let place = |token: &str| Place {
            ours: format!("{}/{token}", place.ours),
            keras: format!("{}/{token}", config_place.keras),
            owner: place.owner.clone(),
        };
        translator.came_from(&place("name"));
        ours.insert("name".into(), name.as_str().map_or_else(|| name.clone(), |name| our_name(name).into()));
    }
    if is_activation {
        let place = Place { ours: format!("{}/activation", place.ours), ..config_place };
        let settings = translator.settings(family, class, config, &place);
        ours.insert("type".into(), "activation".into());
        ours.insert("activation".into(), named(class.kind, settings));
    } else {
        refuse_frozen_parts(config, &config_place, translator);
        ours.insert("type".into(), class.kind.into());
        refuse_namesake(layer, class.kind, &class_place, translator);
        let channels_first = channels::are_first(config);
        let within = if channels_first { "/layer" } else { "" };
        let settings_place = Place { ours: format!("{}{within}", place.ours), ..config_place.clone() };
        ours.extend(translator.settings(family, class, config, &settings_place));
        read_inner_layers(&mut ours, class, config, &settings_place, translator);
        if channels_first {
            ours = channels::put_first(ours);
        }
        if class.kind == "normalization" && !ours.contains_key("mean") && !ours.contains_key("variance") {
            let detail = "`adapt` writes its mean and variance into weights, which are not in the JSON: the mean is 0 and the \
                          variance 1, as in Keras; set `mean` and `variance` of the layer to use others";
            translator.warn("normalization_without_numbers", &config_place, detail);
            ours.insert("adapt".to_owned(), false.into());
        }
        if object.class == EINSUM_DENSE {
            einsum::complete(
                &mut ours,
                config,
                &Place { ours: place.ours.clone(), ..config_place.clone() },
                translator,
            );
        }
        if object.class == RNN {
            recurrent::complete(
                &mut ours,
                config,
                &Place { ours: place.ours.clone(), ..config_place.clone() },
                translator,
            );
        }
        drop_activity_regularizer(&mut ours, translator.old);
        refuse_old_axes(class.kind, config, &config_place, translator);
    }
    Some(ours)
}

/// Why a batch normalization of Keras 2 is refused on each step.
pub(super) const STEPS_OF_OLD_NORMALIZATION: &str = "batch normalization on each step takes its statistics over all steps together in \
                                          Keras 2, and over each step separately in Keras 3 and here, expected a model of Keras 3";

/// Adds the layers within a layer (`layer`, `backward_layer`); `place` is that of `config`.
fn read_inner_layers(
    ours: &mut Map<String, Value>,
    class: &Class,
    config: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    for (name, _) in class.options.iter().filter(|(_, rule)| matches!(rule, Rule::Layer)) {
        let Some(layer) = config.get(name.as_ref()).filter(|layer| !layer.is_null()) else { continue };
        if let Some(inner) = inner_layer(layer, &place.option(name, name), translator) {
            ours.insert(name.to_string(), inner);
        }
    }
}

/// A layer within another one: it has no name of its own, and is trained where the other one is.
fn inner_layer(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    if recurrent::is_stack(layer) {
        let detail = "a stack of cells within another layer is not supported, expected an RNN of one cell, or a layer for \
                      each cell";
        translator.refuse(place, detail);
        return None;
    }
    if is_operator(layer) {
        translator.refuse(place, "expected a layer, received an operator");
        return None;
    }
    let mut layer = read_class(layer, place, translator)?;
    layer.shift_remove("name");
    if translator.old && layer.get("type").is_some_and(|kind| kind == "batch_normalization") {
        translator.refuse(place, STEPS_OF_OLD_NORMALIZATION);
    }
    Some(Value::Object(layer))
}

/// Notes an error where a frozen layer is within one that is trained: both are trained, or neither is.
fn refuse_frozen_parts(config: &Map<String, Value>, place: &Place, translator: &mut Translator) {
    let frozen = |layer: &Value| layer.get("trainable") == Some(&Value::Bool(false));
    let is_trained = config.get("trainable") != Some(&Value::Bool(false));
    for part in ["layer", "backward_layer", "cell"] {
        if is_trained && config.get(part).and_then(|layer| layer.get("config")).is_some_and(frozen) {
            let place = Place { keras: format!("{}/{part}/config/trainable", place.keras), ..place.clone() };
            translator.refuse(&place, "expected true, as in the layer around it, received false");
        }
    }
}

/// In Keras 3, the activity regularizer of a layer within `TimeDistributed` has no effect.
fn drop_activity_regularizer(ours: &mut Map<String, Value>, old: bool) {
    if !old && ours.get("type").is_some_and(|kind| kind == "time_distributed") {
        let inner = ours.get_mut("layer").and_then(Value::as_object_mut);
        inner.and_then(|layer| layer.shift_remove("activity_regularizer"));
    }
}

/// Keras 2 counts negative axes of an attention from an axis that Keras 3 does not know.
fn refuse_old_axes(kind: &str, config: &Map<String, Value>, place: &Place, translator: &mut Translator) {
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

/// Refuses a layer of one of these names that is not of `keras.applications`. Keras before 2.13 prints no module.
fn refuse_namesake(layer: &Value, kind: &str, place: &Place, translator: &mut Translator) {
    let of_applications = APPLICATIONS.contains(&kind);
    let from = layer.get("module").filter(|_| of_applications);
    if let Some(module) = from.filter(|module| !module.as_str().is_some_and(|it| it.contains(".applications."))) {
        let detail = format!("expected the layer of `keras.applications`, received one of the module {module}");
        translator.refuse(place, detail);
    }
}
