//! Keras's recurrent layers and what stands in their options.

use super::{
    layers::{CELLS, RNN, STACKED_CELLS},
    place::Place,
    translator::Translator,
};
use crate::engine::spec::layer_of;
use serde_json::{Map, Value};

/// The cells of an `RNN` around a stack of them; `None` for any other layer.
pub(super) fn cells(layer: &Value) -> Option<&[Value]> {
    let class = layer.get("class_name").and_then(Value::as_str)?;
    let cell = layer.pointer("/config/cell").filter(|_| class == RNN)?;
    let stacked = cell.get("class_name").is_some_and(|class| class == STACKED_CELLS);
    cell.pointer("/config/cells").and_then(Value::as_array).map(Vec::as_slice).filter(|_| stacked)
}

/// Whether `layer` is an `RNN` around a stack of cells.
pub(super) fn is_stack(layer: &Value) -> bool {
    cells(layer).is_some()
}

/// Whether `layer` becomes several layers.
pub(super) fn is_several(layer: &Value) -> bool {
    cells(layer).is_some_and(|cells| cells.len() > 1)
}

/// Completes what was read of an [`RNN`] by what its cell says; errors are noted. `place` is that of `config`. The cells of a
/// stack are read by [`stacked_cells`].
pub(super) fn complete(
    ours: &mut Map<String, Value>,
    config: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    let place = Place { keras: format!("{}/cell", place.keras), ..place.clone() };
    let cell = config.get("cell").unwrap_or(&Value::Null);
    let Some(object) = translator.object(&CELLS, cell, &place) else { return };
    let class_place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    if object.class == STACKED_CELLS {
        return;
    }
    let Some(class) = translator.class(&CELLS, object.class, &class_place) else { return };
    ours.insert("type".into(), class.kind.into());
    if let Some(config) = object.config {
        let place = Place { keras: format!("{}/config", place.keras), ..place };
        ours.extend(translator.settings(&CELLS, class, config, &place));
    }
}

/// Notes an error where a recurrent layer would treat the mask of its sequence differently from Keras.
pub(super) fn check_masked(layer: &Value, place: &Place, translator: &mut Translator) {
    refuse_reversed_masks(layer, place, translator);
    refuse_unrolled_masks(layer, place, translator);
}

/// Notes an error where several cells read a masked sequence backwards: the second layer reads the outputs of the first one
/// in the order of processing, and the mask lies in the order of the input.
fn refuse_reversed_masks(layer: &Value, place: &Place, translator: &mut Translator) {
    if is_several(layer) && layer.pointer("/config/go_backwards") == Some(&Value::Bool(true)) {
        let detail = "`go_backwards` of several cells on a masked sequence is not supported, expected false, or a sequence \
                      without a mask";
        translator.refuse(&Place { keras: format!("{}/config/go_backwards", place.keras), ..place.clone() }, detail);
    }
}

/// Keras, unrolled, sets outputs in the order of processing to zero by the mask in the order of the input.
fn refuse_unrolled_masks(layer: &Value, place: &Place, translator: &mut Translator) {
    const OPTIONS: [&str; 4] = ["unroll", "go_backwards", "return_sequences", "zero_output_for_mask"];
    let Some(config) = layer.get("config").and_then(Value::as_object) else { return };
    let place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
    if OPTIONS.iter().all(|option| config.get(*option) == Some(&Value::Bool(true))) {
        let detail = "`unroll` with `go_backwards` and `zero_output_for_mask` on a masked sequence: Keras sets the wrong steps \
                      to zero, expected `unroll` false";
        translator.refuse(&Place { keras: format!("{}/unroll", place.keras), ..place.clone() }, detail);
    }
    for part in ["layer", "backward_layer"] {
        if let Some(layer) = config.get(part).filter(|layer| layer.is_object()) {
            let place = Place { keras: format!("{}/{part}", place.keras), ..place.clone() };
            refuse_unrolled_masks(layer, &place, translator);
        }
    }
}

/// Keras 3 passes no mask of the sequence to a recurrent layer that is called with an `initial_state` and without a `mask`. `calls` are what it reads, `masked` whether it is given a mask.
pub(super) fn drop_masks(
    ours: &mut Map<String, Value>,
    calls: &[Vec<String>],
    masked: &[bool],
    place: &Place,
    translator: &mut Translator,
) {
    let is_recurrent = layer_of(&Value::Object(ours.clone())).is_some_and(|layer| layer.is_recurrent());
    let passed = calls.iter().zip(masked).map(|(call, masked)| call.len() < 2 || *masked).collect::<Vec<_>>();
    if !is_recurrent || !passed.contains(&false) {
        return;
    }
    if passed.contains(&true) {
        let detail = "expected every call to have an `initial_state` and no `mask`, or none of them, since masks apply \
                      in the others only";
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    /// The errors of a chain of layers on words, whose embedding makes a mask where `masked` says so.
    fn errors(masked: bool, layer: &Value) -> Vec<(String, String)> {
        let input = json!({"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "x"}});
        let words = json!({"class_name": "Embedding", "config": {
            "name": "words", "input_dim": 9, "output_dim": 2, "mask_zero": masked,
        }});
        let chain = json!({"class_name": "Sequential", "config": {"name": "chain", "layers": [input, words, layer]}});
        let errors = crate::keras::import(&chain).map_or_else(|errors| errors, |_| Vec::new());
        errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    fn stack(options: &[(&str, Value)]) -> Value {
        let cells = [
            json!({"class_name": "LSTMCell", "config": {"name": "first", "units": 3}}),
            json!({"class_name": "GRUCell", "config": {"name": "second", "units": 2}}),
        ];
        let cell = json!({"class_name": "StackedRNNCells", "config": {"name": "cells", "cells": cells}});
        let mut layer = json!({"class_name": "RNN", "config": {"name": "rnn", "cell": cell}});
        for (name, value) in options {
            layer["config"][*name] = value.clone();
        }
        layer
    }

    #[test]
    fn stacked_cells_are_refused_where_no_layers_compute_the_same() {
        assert_eq!(errors(true, &stack(&[])), []);
        let backwards = stack(&[("go_backwards", json!(true))]);
        assert_eq!(errors(false, &backwards), []);
        let penalty = json!({"class_name": "L2", "config": {"l2": 0.1}});
        let penalized = stack(&[("return_state", json!(true)), ("activity_regularizer", penalty)]);
        let within = json!({"class_name": "Bidirectional", "config": {"name": "both", "layer": stack(&[])}});
        for (masked, layer, pointer, part) in [
            (true, &backwards, "/config/layers/2/config/go_backwards", "on a masked sequence is not supported"),
            (false, &penalized, "/config/layers/2/config/activity_regularizer", "`return_state` false"),
            (false, &within, "/config/layers/2/config/layer", "a stack of cells within another layer is not supported"),
        ] {
            let errors = errors(masked, layer);
            assert!(matches!(&errors[..], [(at, detail)] if at == pointer && detail.contains(part)), "{errors:?}");
        }
    }

    #[test]
    fn errors_of_a_cell_stand_at_the_cell() {
        let mut layer = stack(&[]);
        layer["config"]["cell"]["config"]["cells"][1]["config"]["units"] = json!(0);
        let errors = errors(false, &layer);
        assert_eq!(errors[0].0, "/config/layers/2/config/cell/config/cells/1/config/units", "{errors:?}");
        layer["config"]["cell"]["config"]["cells"] = json!([]);
        let errors = self::errors(false, &layer);
        assert!(errors[0].1.ends_with("expected at least one cell, received an empty list"), "{errors:?}");
    }

    #[test]
    fn unrolled_masks_are_refused_where_keras_sets_other_steps_to_zero() {
        let options = json!({
            "name": "rnn", "units": 2, "unroll": true, "go_backwards": true, "return_sequences": true,
            "zero_output_for_mask": true,
        });
        let layer = json!({"class_name": "GRU", "config": options});
        assert_eq!(errors(false, &layer), []);
        let refused = errors(true, &layer);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].0, "/config/layers/2/config/unroll");
        let forward = json!({"class_name": "GRU", "config": {
            "name": "forward", "units": 2, "unroll": true, "return_sequences": true, "zero_output_for_mask": true,
        }});
        assert_eq!(errors(true, &forward), []);
        let both = json!({"class_name": "Bidirectional", "config": {"name": "both", "layer": forward, "backward_layer": layer}});
        let refused = errors(true, &both);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].0, "/config/layers/2/config/backward_layer/config/unroll");
        for option in ["unroll", "return_sequences", "zero_output_for_mask"] {
            let mut other = layer.clone();
            other["config"][option] = json!(false);
            assert_eq!(errors(true, &other), [], "{option}");
        }
    }
}
