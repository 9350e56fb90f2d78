//! Numbers that an input layer takes: whole ones where what reads them turns them into those that are computed in.

use super::{
    calls::{name_of, ours},
    graph::{Graph, UNNAMED_INPUT},
    model::{self, is_model},
    translator::{Place, Translator, describe},
};
use crate::engine::field::FieldError;
use serde_json::{Map, Value, json};

/// Types of whole numbers.
const WHOLE: [&str; 8] = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];

/// Layers for which a whole number is what the same number with a fraction of zero is; of a model within another one, whose
/// input may be what a layer made and is then cut to whole numbers, only the first.
const TURN: [&str; 7] =
    ["Embedding", "Rescaling", "Normalization", "Dense", "CategoryEncoding", "IntegerLookup", "Discretization"];

/// Notes an error where an input layer takes another type than `float32`, unless it is one of whole numbers and its
/// `readers`, layers of the same model, take them alike. What a model within it reads is told there.
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
    let turn = if within { &TURN[..1] } else { &TURN[..] };
    for reader in readers.filter(|reader| !is_model(reader)) {
        let class = reader.get("class_name").and_then(Value::as_str).unwrap_or_default();
        if !turn.contains(&class) {
            let (given, class) = (describe(name), describe(&class.into()));
            let names = turn.join(", ");
            translator.refuse(
                &place,
                format_args!(
                    "an input of the type {given} is supported where only layers of the classes {names} read it, and {class} \
                     reads this one; expected \"float32\""
                ),
            );
            return;
        }
    }
}

/// Whether a data type, by its name or as a policy, is one of whole numbers.
pub(super) fn is_whole(given: &Value) -> bool {
    let name = given.pointer("/config/name").unwrap_or(given);
    name.as_str().is_some_and(|name| WHOLE.contains(&name))
}

/// The inputs of a definition: names with the shapes that their layers were given.
pub(super) fn named(graph: &Graph<'_>, translator: &mut Translator) -> Option<Value> {
    let mut inputs = Vec::new();
    if graph.inputs().is_empty() {
        inputs.push(UNNAMED_INPUT.into());
    }
    for (index, (layer, pointer)) in graph.inputs().into_iter().enumerate() {
        let place = Place { ours: format!("/inputs/{index}"), keras: pointer, owner: model::owner_of(layer, index) };
        model::read_input(layer, &place, translator);
        translator.came_from(&place);
        let mut input = Map::from_iter([("name".to_owned(), json!(ours(&name_of(layer, index))))]);
        if let Some((shape, pointer)) = batch_shape(layer, &place) {
            let place = format!("/inputs/{index}/shape");
            input.insert("shape".into(), sample_shape(shape, &pointer, &place, translator)?);
        }
        inputs.push(Value::Object(input));
    }
    Some(Value::Array(inputs))
}

/// The order in which Keras takes tensors that have names: that of the names.
pub(super) fn in_order(tensors: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut named: Vec<_> = tensors.iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named
}

/// The number or the numbers that an array of NumPy's holds, as Keras prints it in an option; anything else as it is.
pub(super) fn plain(value: &Value) -> &Value {
    let is_array =
        value.get("class_name").and_then(Value::as_str).is_some_and(|it| ["__numpy__", "__tensor__"].contains(&it));
    value.pointer("/config/value").filter(|_| is_array).unwrap_or(value)
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
