//! The fields of a model beside its layers.

use super::{json::describe, place::Place, translator::Translator};
use crate::engine::field::{self, FieldError};
use serde_json::{Map, Value};

/// Everything beside `config` that says how the model was made or saved.
pub(super) const DOCUMENT_FIELDS: [&str; 8] =
    ["class_name", "config", "module", "registered_name", "build_config", "compile_config", "keras_version", "backend"];

/// Maximum number of layers that are read, whatever a service's own limits: each may have an error.
const MAX_LAYERS: usize = 10_000;

/// Options of the model itself.
const MODEL_OPTIONS: [&str; 8] =
    ["name", "trainable", "dtype", "layers", "build_input_shape", "input_layers", "output_layers", "registered_name"];

/// The layers of a model within a model, and its configuration.
pub(super) fn layers_of<'a>(
    layer: &'a Value,
    pointer: &str,
    translator: &mut Translator,
) -> Option<(&'a Map<String, Value>, &'a [Value])> {
    let Some(Value::Object(config)) = layer.get("config") else {
        let received = layer.get("config").map_or_else(|| "nothing".into(), describe);
        translator.errors.push(FieldError::new(pointer, format!("expected an object, received {received}")));
        return None;
    };
    check_model(config, pointer, translator);
    let layers = checked_layers(config.get("layers"), &format!("{pointer}/layers"), translator)?;
    Some((config, layers))
}

/// The list of layers, of which there must be some.
pub(super) fn checked_layers<'a>(
    layers: Option<&'a Value>,
    pointer: &str,
    translator: &mut Translator,
) -> Option<&'a [Value]> {
    let Some(Value::Array(layers)) = layers else {
        let received = layers.map_or_else(|| "nothing".into(), describe);
        translator.errors.push(FieldError::new(pointer, format!("expected an array of layers, received {received}")));
        return None;
    };
    if layers.is_empty() || layers.len() > MAX_LAYERS {
        let detail = format!("expected 1 to {} layers, received {}", MAX_LAYERS, layers.len());
        translator.errors.push(FieldError::new(pointer, detail));
        return None;
    }
    Some(layers)
}

/// Fields that no version of Keras prints are the author's mistake, unless they are not set.
pub(super) fn check_fields(object: &Map<String, Value>, known: &[&str], place: &Place, translator: &mut Translator) {
    for (name, _) in object.iter().filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null()) {
        let expected = match translator.errors.len() < field::MAX_LISTED {
            true => {
                format!(", expected one of {}{}", known.join(", "), field::did_you_mean(name, known.iter().copied()))
            }
            false => String::new(),
        };
        let pointer = format!("{}/{}", place.keras, field::escape(name));
        let detail = format!("the field is not known in a Keras model{expected}");
        translator.errors.push(FieldError::new(pointer, detail));
    }
}

/// Notes an error for each option of a model that is not supported.
pub(super) fn check_model(config: &Map<String, Value>, pointer: &str, translator: &mut Translator) {
    let at =
        |option: &str| Place { ours: String::new(), keras: format!("{pointer}/{option}"), owner: "the model: ".into() };
    let place = Place { ours: String::new(), keras: pointer.into(), owner: String::new() };
    check_fields(config, &MODEL_OPTIONS, &place, translator);
    if let Some(value) = config.get("trainable").filter(|value| !value.is_null() && !value.is_boolean()) {
        translator.refuse(&at("trainable"), format_args!("expected true or false, received {}", describe(value)));
    }
    if let Some(value) = config.get("dtype") {
        translator.data_type(value, &at("dtype"));
    }
}
