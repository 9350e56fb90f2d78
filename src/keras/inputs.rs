//! Numbers that an input layer takes: whole ones where what reads them turns them into those that are computed in.

use super::{
    model::is_model,
    translator::{Place, Translator, describe},
};
use serde_json::Value;

/// Types of whole numbers.
const WHOLE: [&str; 8] = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];

/// Layers for which a whole number is what the same number with a fraction of zero is; of a model within another one, whose
/// input may be what a layer made and is then cut to whole numbers, only the first.
const TURN: [&str; 4] = ["Embedding", "Rescaling", "Normalization", "Dense"];

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
    let name = given.pointer("/config/name").unwrap_or(given);
    if !name.as_str().is_some_and(|name| WHOLE.contains(&name)) {
        return translator.data_type(given, &place);
    }
    let turn = if within { &TURN[..1] } else { &TURN[..] };
    for reader in readers.filter(|reader| !is_model(reader)) {
        let class = reader.get("class_name").and_then(Value::as_str).unwrap_or_default();
        if !turn.contains(&class) {
            let (given, class) = (describe(name), describe(&class.into()));
            let names = turn.join(", ");
            translator.refuse(
                &place,
                format_args!("expected {given} where {names} read it alone, or \"float32\", received it for {class}"),
            );
            return;
        }
    }
}

/// The order in which Keras takes tensors that have names: that of the names.
pub(super) fn in_order(tensors: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
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
