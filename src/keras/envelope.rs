//! Where the model stands in the JSON: files of TensorFlow.js and H5 hold it, and `get_config()` gives a part of it.

use crate::engine::field::FieldError;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The fields that hold a model: `model.json` of TensorFlow.js, and the attribute of an H5 file.
const HOLDERS: [&str; 2] = ["modelTopology", "model_config"];

/// Whether `fields` are Keras's: a model, what holds one, or what `model.get_config()` gives.
pub(super) fn is_keras(fields: &Map<String, Value>) -> bool {
    fields.contains_key("class_name") || HOLDERS.iter().any(|holder| fields.contains_key(*holder)) || is_config(fields)
}

/// What `get_config()` gives has layers with classes.
fn is_config(fields: &Map<String, Value>) -> bool {
    let layers = fields.get("layers").and_then(Value::as_array);
    layers.and_then(|layers| layers.first()).is_some_and(|layer| layer.get("class_name").is_some())
}

/// The model within `document`, and where it stands there.
pub(super) fn model(document: Cow<'_, Value>) -> Result<(Cow<'_, Value>, String), FieldError> {
    let (mut document, mut pointer) = (document, String::new());
    // TensorFlow.js may hold a `model_config`, which may be a string.
    for _ in 0..=HOLDERS.len() {
        let Some(fields) = document.as_object().filter(|fields| !fields.contains_key("class_name")) else { break };
        if is_config(fields) {
            let functional = fields.contains_key("input_layers");
            let class = if functional { "Functional" } else { "Sequential" };
            let whole = json!({"class_name": class, "config": fields});
            return Ok((Cow::Owned(whole), pointer));
        }
        let Some((holder, held)) = HOLDERS.iter().find_map(|holder| Some((*holder, fields.get(*holder)?))) else {
            break;
        };
        pointer.push_str(&format!("/{holder}"));
        let mut held = match held {
            Value::String(text) => serde_json::from_str(text).map_err(|error| {
                FieldError::new(&pointer, format!("expected the string to be the JSON of a model, received {error}"))
            })?,
            held => held.clone(),
        };
        if let Some(inner) = held.as_object_mut()
            && let (None, Some(version)) = (inner.get("keras_version"), fields.get("keras_version"))
        {
            inner.insert("keras_version".to_owned(), version.clone());
        }
        document = Cow::Owned(held);
    }
    Ok((document, pointer))
}

/// Whether Keras 2 printed the model, or TensorFlow.js, whose layers are those of Keras 2. Keras 3 prints no version; the parts
/// of files may have lost theirs.
pub(super) fn is_old(document: &Map<String, Value>) -> bool {
    match document.get("keras_version").and_then(Value::as_str) {
        Some(version) => version.starts_with("2.") || version.starts_with("tfjs"),
        None => document.get("config").is_some_and(|config| has_old_layers(config, 0)),
    }
}

/// `batch_input_shape` and calls that are arrays are of Keras 2 alone.
fn has_old_layers(config: &Value, depth: usize) -> bool {
    let layers = config.get("layers").unwrap_or(config).as_array();
    layers.into_iter().flatten().any(|layer| {
        let calls = layer.get("inbound_nodes").and_then(Value::as_array);
        let has_old_calls = calls.is_some_and(|calls| calls.iter().any(Value::is_array));
        let inner = layer.get("config");
        has_old_calls
            || inner.is_some_and(|config| config.get("batch_input_shape").is_some())
            || (depth < 8 && inner.is_some_and(|config| has_old_layers(config, depth + 1)))
    })
}

/// Fails where Keras 1 printed the model: by its version, or by names that layers had there alone.
pub(super) fn check_version(document: &Map<String, Value>) -> Result<(), FieldError> {
    const NAMES: [&str; 6] = ["init", "inner_init", "nb_filter", "border_mode", "W_regularizer", "b_regularizer"];
    let version = document.get("keras_version").and_then(Value::as_str);
    let config = document.get("config").unwrap_or(&Value::Null);
    let layers = config.get("layers").unwrap_or(config).as_array().into_iter().flatten();
    let is_first = || {
        let configs = layers.filter_map(|layer| layer.get("config")?.as_object());
        configs.flat_map(Map::keys).any(|name| NAMES.contains(&name.as_str()))
    };
    let received = match version {
        Some(version) if version.starts_with("1.") || version.starts_with("0.") => format!("that of Keras {version}"),
        None if is_first() => "that of Keras 1".to_owned(),
        _ => return Ok(()),
    };
    let pointer = if version.is_some() { "/keras_version" } else { "" };
    Err(FieldError::new(
        pointer,
        format!("expected the JSON of Keras 2 or 3, received {received}, whose options have other names"),
    ))
}
