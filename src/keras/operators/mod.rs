//! Operators of Keras 3 (`x + y`, `1 - x`, `keras.ops.relu(x)`), which it prints beside the layers, as the layers that compute the
//! same.

mod call;
mod contractions;
mod elementwise;
mod reductions;
mod refusals;
mod shaping;
mod steps;

use super::{
    json::{describe, is_operator},
    layer,
    place::Place,
    translator::Translator,
};
use call::OperatorCall;
use serde_json::{Map, Value};
use steps::Steps;
pub(super) use steps::{Read, Step};

/// Operators that are the layers of the same name, with the same options, on tensors alone.
const LAYERS: [&str; 7] = ["Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate", "Softmax"];

/// The operator `layer` as the layers of ours that do the same, the last of which gives what it gives; an error is noted where
/// there are none.
pub(super) fn read(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Vec<Step>> {
    let empty = Map::new();
    let call = OperatorCall::new(layer, &empty);
    let on_tensors_alone = call.operands.iter().all(|operand| !matches!(operand, call::Operand::Array(_)));
    let of_truths = call.tensors().count() > 1 && call.tensors().all(|tensor| tensor.is_bool);
    if on_tensors_alone && !of_truths && LAYERS.contains(&call.class) && call.option("axis").as_array().is_none() {
        return layer::read_class(layer, place, translator).map(|layer| vec![Step { layer, reads: None }]);
    }
    if let Some(Steps(steps)) = steps_of(&call) {
        let config = Place { keras: format!("{}/config", place.keras), ..place.clone() };
        translator.came_from(&config);
        return Some(steps);
    }
    let place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    let class = describe(&call.class.into());
    let detail = match refusals::why_never(call.class) {
        Some(reason) => format!("the operator {class} is not supported: {reason}"),
        None if is_known(call.class) => {
            let expected = refusals::expected(call.class);
            format!("the operator {class} is not supported with these arguments, expected {expected}")
        }
        None => format!("the operator {class} is not supported; use a layer that computes the same"),
    };
    translator.refuse(&place, detail);
    None
}

/// Whether an operator needs several layers.
pub(super) fn is_several(layer: &Value) -> bool {
    let empty = Map::new();
    is_operator(layer) && steps_of(&OperatorCall::new(layer, &empty)).is_some_and(|steps| steps.0.len() > 1)
}

/// The families of operators, by which a call is read.
fn steps_of(call: &OperatorCall<'_>) -> Option<Steps> {
    let is_read = |name: &str| ["constant_values"].contains(&name) && call.class == "Pad";
    if call.named.iter().any(|(name, value)| !is_read(name) && **value != false) {
        return None;
    }
    elementwise::read(call)
        .or_else(|| reductions::read(call))
        .or_else(|| contractions::read(call))
        .or_else(|| shaping::read(call))
}

/// The names of all operators that are supported with some arguments, in order.
pub(super) fn known() -> Vec<&'static str> {
    let listed = [&LAYERS[..], &reductions::CLASSES, &contractions::CLASSES, &shaping::CLASSES].concat();
    let mut names: Vec<&'static str> = listed.into_iter().chain(elementwise::known()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The names of operators that are never supported, with the reason or what to use instead.
pub(super) fn never() -> &'static [(&'static [&'static str], &'static str)] {
    refusals::NEVER
}

/// Whether an operator is supported with some arguments.
fn is_known(class: &str) -> bool {
    known().contains(&class)
}
