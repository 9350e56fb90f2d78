//! A Sequential model of plain layers.

use super::{
    inputs::{self, batch_shape, sample_shape},
    json::{is_einsum, owner_of},
    layer::read_input,
    masks,
    place::Place,
    recorded_masks::{Given, RecordedMask},
    recurrent, stacked_cells,
    steps::{freeze, read_steps, set_output_mask},
    translator::Translator,
};
use serde_json::{Map, Value};

/// A Sequential model of plain layers: each reads the one before it.
pub(super) fn translate(
    config: &Map<String, Value>,
    layers: &[Value],
    pointer: &str,
    translator: &mut Translator,
) -> Option<Value> {
    let frozen = config.get("trainable") == Some(&Value::Bool(false));
    let has_masks = layers.iter().any(masks::begins_one);
    let mut shape = None;
    let mut translated = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let place = Place {
            ours: format!("/layers/{}", translated.len()),
            keras: format!("{pointer}/{index}"),
            owner: owner_of(layer, index),
        };
        let first = index == 0;
        if has_masks {
            recurrent::check_masked(layer, &place, translator);
        }
        if layer.get("class_name").is_some_and(|class| class == "InputLayer") {
            if !first {
                translator.refuse(&place, "expected one input, at the head of the model");
            }
            read_input(layer, &place, translator);
            inputs::check_type(layer, layers.iter().skip(1).take(1), false, &place, translator);
        } else if recurrent::is_stack(layer) {
            for mut step in stacked_cells::read(layer, &place, translator).unwrap_or_default() {
                freeze(&mut step.layer, frozen || layer.pointer("/config/trainable") == Some(&Value::Bool(false)));
                translated.push(Value::Object(step.layer));
            }
        } else if let Some(mut ours) = read_layer(layer, &place, translator) {
            if let Some(name) = ours.get("name").and_then(Value::as_str).filter(|_| is_einsum(layer)) {
                translator.masks.push(RecordedMask {
                    layer: name.to_owned(),
                    place: place.clone(),
                    given: Given::Nothing,
                });
            }
            if has_masks {
                set_output_mask(&mut ours, layer, translator);
            }
            freeze(&mut ours, frozen || layer.pointer("/config/trainable") == Some(&Value::Bool(false)));
            translated.push(Value::Object(ours));
        }
        if first {
            shape = batch_shape(layer, &place);
        }
    }
    let shape = shape.or_else(|| {
        config
            .get("build_input_shape")
            .filter(|shape| !shape.is_null())
            .map(|shape| (shape, "/config/build_input_shape".into()))
    });
    let mut definition = Map::new();
    if let Some((shape, pointer)) = shape
        && let Some(shape) = sample_shape(shape, &pointer, "/input_shape", translator)
    {
        definition.insert("input_shape".into(), shape);
    }
    translator.came_from(&Place { ours: "/layers".into(), keras: pointer.into(), owner: String::new() });
    definition.insert("layers".into(), Value::Array(translated));
    Some(Value::Object(definition))
}

/// A layer, or an operator that is one layer.
fn read_layer(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Map<String, Value>> {
    let mut steps = read_steps(layer, place, translator)?;
    match (steps.pop(), steps.is_empty()) {
        (Some(step), true) => Some(step.layer),
        _ => {
            translator
                .refuse(place, "expected an operator within a functional model, received one within a chain of layers");
            None
        }
    }
}
