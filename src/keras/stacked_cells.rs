//! `RNN` around several cells: a layer of ours for each cell, which reads the sequence of the one before.

use super::{
    layer,
    layers::{CELLS, STACKED_CELLS, STACKS},
    operators::{Read, Step},
    place::Place,
    recurrent::cells,
    translator::Translator,
};
use serde_json::{Map, Value};

/// The options of an `RNN` that its last layer has.
const OF_THE_LAST: [&str; 4] = ["return_sequences", "return_state", "zero_output_for_mask", "activity_regularizer"];

/// How many tensors the state of a cell is.
fn states_of(cell: &Value) -> usize {
    if cell.get("class_name").is_some_and(|class| class == "LSTMCell") { 2 } else { 1 }
}

/// The cell whose layer has the output number `output`, where that is not the last one, and the number of the output there. The
/// states of all cells follow the output, in the order of the cells.
pub(super) fn value_of(layer: &Value, output: usize) -> (Option<usize>, usize) {
    let cells = cells(layer).unwrap_or_default();
    let mut left = output;
    for (number, cell) in cells.iter().enumerate().take(cells.len().saturating_sub(1)) {
        let states = states_of(cell);
        match left {
            0 => break,
            _ if left <= states => return (Some(number), left),
            _ => left -= states,
        }
    }
    (None, left)
}

/// Notes an error where a call gives a part of the states and not all of them. `calls` are the tensors of each.
pub(super) fn check_states(layer: &Value, calls: &[Vec<String>], place: &Place, translator: &mut Translator) {
    let Some(cells) = cells(layer) else { return };
    let expected: usize = cells.iter().map(states_of).sum();
    for call in calls {
        let received = call.len().saturating_sub(1);
        if received > 0 && received != expected {
            let place = Place { keras: format!("{}/inbound_nodes", place.keras), ..place.clone() };
            let detail = format!("expected an `initial_state` of {expected} tensors, received {received}");
            translator.refuse(&place, detail);
        }
    }
}

/// The layers of an `RNN` around a stack of cells; errors are noted.
pub(super) fn read(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Vec<Step>> {
    let whole = layer::read_class(layer, place, translator)?;
    let stack = layer.pointer("/config/cell").unwrap_or(&Value::Null);
    let stack_place = Place { keras: format!("{}/config/cell", place.keras), ..place.clone() };
    let config = translator.object(&STACKS, stack, &stack_place)?.config?;
    let class = translator.class(&STACKS, STACKED_CELLS, &stack_place)?;
    let config_place = Place { keras: format!("{}/config", stack_place.keras), ..stack_place };
    translator.settings(&STACKS, class, config, &config_place);
    let cells_place = Place { keras: format!("{}/cells", config_place.keras), ..config_place };
    let cells = cells(layer).unwrap_or_default();
    if cells.is_empty() {
        translator.refuse(&cells_place, "expected at least one cell, received an empty list");
        return None;
    }
    let last = cells.len() - 1;
    let gives_states = whole.get("return_state") == Some(&Value::Bool(true));
    if gives_states && last > 0 && whole.contains_key("activity_regularizer") {
        let place = Place { keras: format!("{}/config/activity_regularizer", place.keras), ..place.clone() };
        let detail = "an `activity_regularizer` on the output and on the states of several cells is not supported, expected null, or \
                      `return_state` false";
        translator.refuse(&place, detail);
    }
    let mut steps = Vec::with_capacity(cells.len());
    let mut state = 1;
    for (number, cell) in cells.iter().enumerate() {
        let cell_place = Place {
            ours: following(&place.ours, number),
            keras: format!("{}/{number}", cells_place.keras),
            owner: place.owner.clone(),
        };
        let mut ours = read_cell(cell, &cell_place, translator)?;
        if number == 0 {
            ours.extend(whole.get("go_backwards").map(|value| ("go_backwards".to_owned(), value.clone())));
            ours.extend(whole.get("name").map(|value| ("name".to_owned(), value.clone())));
        }
        if number == last {
            let options = OF_THE_LAST.iter().filter_map(|name| Some(((*name).to_owned(), whole.get(*name)?.clone())));
            ours.extend(options);
            ours.extend(whole.get("name").map(|value| ("name".to_owned(), value.clone())));
        } else {
            ours.insert("return_sequences".into(), true.into());
            ours.insert("return_state".into(), gives_states.into());
            if let Some(name) = whole.get("name").and_then(Value::as_str) {
                ours.insert("name".into(), format!("{name}.{number}").into());
            }
        }
        let sequence = number.checked_sub(1).map_or(Read::Tensor(0), Read::Step);
        let states = (state..state + states_of(cell)).map(Read::Given);
        steps.push(Step { layer: ours, reads: Some(std::iter::once(sequence).chain(states).collect()) });
        state += states_of(cell);
    }
    Some(steps)
}

/// A cell as the layer of its kind.
fn read_cell(cell: &Value, place: &Place, translator: &mut Translator) -> Option<Map<String, Value>> {
    translator.came_from(place);
    let object = translator.object(&CELLS, cell, place)?;
    let class_place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    let class = translator.class(&CELLS, object.class, &class_place)?;
    let mut ours = Map::from_iter([("type".to_owned(), class.kind.into())]);
    if let Some(config) = object.config {
        let place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
        ours.extend(translator.settings(&CELLS, class, config, &place));
        if config.get("trainable") == Some(&Value::Bool(false)) {
            ours.insert("trainable".into(), false.into());
        }
    }
    Some(ours)
}

/// The place `number` layers after `ours`: `/layers/3` for `/layers/1` and 2.
fn following(ours: &str, number: usize) -> String {
    let parts = ours.rsplit_once('/').and_then(|(list, index)| Some((list, index.parse::<usize>().ok()?)));
    parts.map_or_else(|| ours.to_owned(), |(list, index)| format!("{list}/{}", index + number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn states_are_those_of_the_cells_in_their_order() {
        let cell = |class: &str| json!({"class_name": class, "config": {}});
        let cells = [cell("LSTMCell"), cell("GRUCell"), cell("LSTMCell")];
        let stack = json!({"class_name": STACKED_CELLS, "config": {"cells": cells}});
        let layer = json!({"class_name": "RNN", "config": {"cell": stack}});
        let found: Vec<_> = (0..6).map(|output| value_of(&layer, output)).collect();
        assert_eq!(found, [(None, 0), (Some(0), 1), (Some(0), 2), (Some(1), 1), (None, 1), (None, 2)]);
        assert_eq!(value_of(&json!({"class_name": "LSTM", "config": {}}), 2), (None, 2));
    }
}
