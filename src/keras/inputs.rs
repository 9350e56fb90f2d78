//! Data types and shapes of input layers.

use super::{
    json::{describe, is_model, is_whole},
    place::Place,
    translator::Translator,
};
use crate::engine::field::FieldError;
use serde_json::{Value, json};

/// Layers that compute the same from an integer and from a float of the same value. The input of a model within another one
/// may be a layer's output, which Keras then casts to integers: there, only the first.
const READ_INTEGERS: [&str; 7] =
    ["Embedding", "Rescaling", "Normalization", "Dense", "CategoryEncoding", "IntegerLookup", "Discretization"];

/// Notes an error where an input layer has another type than `float32`, unless it is an integer type and its `readers`, layers
/// of the same model, compute the same from both. The inputs of models within are checked there.
pub(super) fn check_type<'a>(
    layer: &Value,
    readers: impl Iterator<Item = &'a Value>,
    within: bool,
    place: &Place,
    translator: &mut Translator,
) {
    let Some(given) = layer.pointer("/config/dtype") else { return };
    let place = Place { keras: format!("{}/config/dtype", place.keras), ..place.clone() };
    let place = Place { owner: format!("{}`dtype`: ", place.owner), ..place };
    if !is_whole(given) {
        return translator.data_type(given, &place);
    }
    let name = given.pointer("/config/name").unwrap_or(given);
    let turn = if within { &READ_INTEGERS[..1] } else { &READ_INTEGERS[..] };
    for reader in readers.filter(|reader| !is_model(reader)) {
        let class = reader.get("class_name").and_then(Value::as_str).unwrap_or_default();
        if !turn.contains(&class) {
            let (given, class) = (describe(name), describe(&class.into()));
            let names = turn.join(", ");
            translator.refuse(
                &place,
                format_args!(
                    "an input of the type {given} is supported where only layers of the classes {names} read it, expected \
                     \"float32\" for an input of {class}"
                ),
            );
            return;
        }
    }
}

/// The shape that the first layer was given, with the batch axis: Keras 2 and 3 name it differently.
pub(super) fn batch_shape<'a>(layer: &'a Value, place: &Place) -> Option<(&'a Value, String)> {
    ["batch_shape", "batch_input_shape"].into_iter().find_map(|option| {
        let shape = layer.get("config")?.get(option).filter(|shape| !shape.is_null())?;
        Some((shape, format!("{}/config/{option}", place.keras)))
    })
}

/// `batch_shape` without its first axis, which is the batch's: a fixed batch changes no number. `ours` is where it stands in
/// our form.
pub(super) fn sample_shape(
    batch_shape: &Value,
    pointer: &str,
    ours: &str,
    translator: &mut Translator,
) -> Option<Value> {
    let Some([_, axes @ ..]) = batch_shape.as_array().map(Vec::as_slice) else {
        let detail = format!("expected an array with the batch axis first, received {}", describe(batch_shape));
        translator.errors.push(FieldError::new(pointer, detail));
        return None;
    };
    translator.came_from(&Place { ours: ours.into(), keras: pointer.into(), owner: String::new() });
    for index in 0..axes.len() {
        let keras = format!("{pointer}/{}", index + 1);
        translator.came_from(&Place { ours: format!("{ours}/{index}"), keras, owner: String::new() });
    }
    Some(json!(axes))
}
