//! A layer of Keras's as one of ours, or several.

use super::{
    json::is_operator,
    layer::read_class,
    masks,
    operators::{self, Step},
    place::Place,
    recurrent, stacked_cells,
    translator::Translator,
};
use serde_json::{Map, Value};

/// A layer as one of ours, or an operator as one or several.
pub(super) fn read_steps(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Vec<Step>> {
    if is_operator(layer) {
        return operators::read(layer, place, translator);
    }
    if recurrent::is_stack(layer) {
        return stacked_cells::read(layer, place, translator);
    }
    read_class(layer, place, translator).map(|layer| vec![Step { layer, reads: None }])
}

/// Sets `output_mask` of a layer where its mask in Keras is not the one that ours passes on.
pub(super) fn set_output_mask(ours: &mut Map<String, Value>, layer: &Value, translator: &Translator) {
    let kind = ours.get("type").and_then(Value::as_str).unwrap_or_default();
    if let Some(mask) = masks::output_mask(layer, kind, translator.old) {
        ours.insert("output_mask".to_owned(), mask.into());
    }
}

/// Sets a layer's weights to be left as they are.
pub(super) fn freeze(ours: &mut Map<String, Value>, frozen: bool) {
    if frozen {
        ours.insert("trainable".into(), false.into());
    }
}
