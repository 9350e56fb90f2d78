//! Operators that make one element of those along some axes.

use super::{
    call::{Operand, OperatorCall},
    shaping::{place_of, places_of},
    steps::{Read, Steps},
};
use serde_json::{Value, json};

pub(super) const CLASSES: [&str; 18] = [
    "Sum",
    "Mean",
    "Average",
    "Max",
    "Amax",
    "Min",
    "Amin",
    "Prod",
    "Var",
    "Std",
    "Logsumexp",
    "Norm",
    "Argmax",
    "Argmin",
    "Any",
    "All",
    "CountNonzero",
    "Normalize",
];

/// An operator on one tensor over axes that are not the batch's.
pub(super) fn read(call: &OperatorCall<'_>) -> Option<Steps> {
    let [Operand::Tensor(_)] = call.operands.as_slice() else { return None };
    if !CLASSES.contains(&call.class) {
        return None;
    }
    let (axis, sample) = (call.option("axis"), call.sample()?);
    let places = places_of(axis, sample.len())?;
    let unset = |name: &str| call.option(name).is_null();
    let keepdims = call.option("keepdims").as_bool().unwrap_or_default();
    if !unset("initial") || !(unset("dtype") || call.option("dtype") == "float32") {
        return None;
    }
    let lines = |kind: &str| Steps::one(json!({"type": kind, "axis": axis, "keepdims": keepdims}));
    let mut steps = Steps::default();
    let truths = |steps: &mut Steps, kind: &str| {
        let zero =
            steps.add(json!({"type": "constant", "shape": vec![1; sample.len()], "value": 0.0}), [Read::Tensor(0)]);
        let truth = steps.add(json!({"type": "not_equal"}), [Read::Tensor(0), zero]);
        joined(steps, truth, kind, &places, keepdims);
    };
    match call.class {
        "Sum" => over(steps, "sum", axis, &places, keepdims, sample.len()),
        "Mean" | "Average" => over(steps, "mean", axis, &places, keepdims, sample.len()),
        "Max" | "Amax" => over(steps, "max", axis, &places, keepdims, sample.len()),
        "Min" | "Amin" => over(steps, "min", axis, &places, keepdims, sample.len()),
        "Prod" => lines("prod"),
        "Var" => lines("var"),
        "Std" => lines("std"),
        "Logsumexp" => lines("logsumexp"),
        "Argmax" => lines("argmax"),
        "Argmin" => lines("argmin"),
        "Norm" => {
            let order = call.option("ord");
            let is_default = order.is_null() || order == "euclidean" || (order == "fro" && places.len() == 2);
            let order =
                if is_default { Some(2.0) } else { order.as_f64().filter(|order| *order > 0.0 && places.len() == 1) };
            Steps::one(json!({"type": "norm", "axis": axis, "keepdims": keepdims, "ord": order?}))
        }
        "Any" => {
            truths(&mut steps, "max");
            Some(steps)
        }
        "All" => {
            truths(&mut steps, "min");
            Some(steps)
        }
        "CountNonzero" => {
            truths(&mut steps, "sum");
            Some(steps)
        }
        "Normalize" => normalize(call, axis),
        _ => None,
    }
}

/// What a layer that takes axes beside each other makes of any.
fn over(mut steps: Steps, kind: &str, axis: &Value, places: &[usize], keepdims: bool, axes: usize) -> Option<Steps> {
    let pooled = match (axes, places) {
        (2, [0]) => "1d",
        (3, [0, 1]) => "2d",
        _ => "",
    };
    let beside = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match (kind, pooled) {
        ("mean", "1d" | "2d") => {
            Steps::one(json!({"type": format!("global_average_pooling{pooled}"), "keepdims": keepdims}))
        }
        ("max", "1d" | "2d") => {
            Steps::one(json!({"type": format!("global_max_pooling{pooled}"), "keepdims": keepdims}))
        }
        _ if beside => Steps::one(json!({"type": kind, "axis": axis, "keepdims": keepdims})),
        _ => {
            joined(&mut steps, Read::Tensor(0), kind, places, keepdims);
            Some(steps)
        }
    }
}

/// One axis after the other, the last first, so that the others keep their numbers.
fn joined(steps: &mut Steps, mut read: Read, kind: &str, places: &[usize], keepdims: bool) {
    for place in places.iter().rev() {
        read = steps.add(json!({"type": kind, "axis": place + 1, "keepdims": keepdims}), [read]);
    }
}

/// `x / max(length, epsilon)`; of order 2 as Keras computes it, `x * min(1 / length, 1 / epsilon)`.
fn normalize(call: &OperatorCall<'_>, axis: &Value) -> Option<Steps> {
    place_of(axis, call.sample()?.len())?;
    let epsilon = if call.option("epsilon").is_null() { 1e-7 } else { call.option("epsilon").as_f64()? };
    let order = call.option("order").as_f64().filter(|order| *order > 0.0)?;
    let mut steps = Steps::default();
    if order == 2.0 {
        let squares = steps.add(json!({"type": "square"}), [Read::Tensor(0)]);
        let sum = steps.add(json!({"type": "sum", "axis": axis, "keepdims": true}), [squares]);
        let scale = steps.add(json!({"type": "rsqrt"}), [sum]);
        let scale = steps.add(json!({"type": "clip", "x_max": 1.0 / epsilon}), [scale]);
        steps.add(json!({"type": "multiply"}), [Read::Tensor(0), scale]);
    } else {
        let norm = json!({"type": "norm", "axis": axis, "ord": order, "keepdims": true});
        let norm = steps.add(norm, [Read::Tensor(0)]);
        let norm = steps.add(json!({"type": "clip", "x_min": epsilon}), [norm]);
        steps.add(json!({"type": "divide"}), [Read::Tensor(0), norm]);
    }
    Some(steps)
}
