//! Operators of Keras 3 (`x + y`, `1 - x`, `keras.ops.relu(x)`), which it prints beside the layers, as the layers that do the
//! same.

use super::{
    calls::holds_tensors,
    inputs, model, shaping,
    translator::{Place, Translator, describe},
};
use serde_json::{Map, Value, json};

/// Operators that are activations: Keras's name, that of the activation, and what the one option is called in both.
const ACTIVATIONS: [(&str, &str, Option<&str>); 24] = [
    ("Relu", "relu", None),
    ("Relu6", "relu6", None),
    ("LeakyRelu", "leaky_relu", Some("negative_slope")),
    ("Elu", "elu", Some("alpha")),
    ("Celu", "celu", Some("alpha")),
    ("Selu", "selu", None),
    ("Gelu", "gelu", Some("approximate")),
    ("Silu", "swish", None),
    ("Sigmoid", "sigmoid", None),
    ("LogSigmoid", "log_sigmoid", None),
    ("HardSigmoid", "hard_sigmoid", None),
    ("HardSilu", "hard_silu", None),
    ("SparseSigmoid", "sparse_sigmoid", None),
    ("Tanh", "tanh", None),
    ("HardTanh", "hard_tanh", None),
    ("TanhShrink", "tanh_shrink", None),
    ("HardShrink", "hard_shrink", Some("threshold")),
    ("SoftShrink", "soft_shrink", Some("threshold")),
    ("Softplus", "softplus", None),
    ("Softsign", "softsign", None),
    ("SparsePlus", "sparse_plus", None),
    ("Squareplus", "squareplus", Some("b")),
    ("Mish", "mish", None),
    ("Exp", "exponential", None),
];

/// Operators that are the layers of the same name, with the same options, on tensors alone.
const LAYERS: [&str; 7] = ["Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate", "Softmax"];

/// Operators that are layers of ours without settings: Keras's name and that of the layer.
const PLAIN: [(&str, &str); 11] = [
    ("Absolute", "absolute"),
    ("Abs", "absolute"),
    ("Square", "square"),
    ("Sqrt", "sqrt"),
    ("Rsqrt", "rsqrt"),
    ("Reciprocal", "reciprocal"),
    ("Log", "log"),
    ("Log1p", "log1p"),
    ("Divide", "divide"),
    ("TrueDivide", "divide"),
    ("Identity", "identity"),
];

/// Whether `layer` is an operator and no layer.
pub(super) fn is_operator(layer: &Value) -> bool {
    layer.get("module").and_then(Value::as_str).is_some_and(|module| module.starts_with("keras.src.ops"))
}

/// The operator `layer` as the layer of ours that does the same; an error is noted where there is none.
pub(super) fn read(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Map<String, Value>> {
    let class = layer.get("class_name").and_then(Value::as_str).unwrap_or_default();
    let empty = Map::new();
    let config = layer.get("config").and_then(Value::as_object).unwrap_or(&empty);
    let given = given(layer);
    if given.is_empty() && LAYERS.contains(&class) {
        return model::read_class(layer, place, translator);
    }
    let ours = match given.as_slice() {
        [] => alone(class, config).or_else(|| shaping::alone(class, config, layer)),
        [(1, key)] if class == "GetItem" => shaping::get_item(key, layer),
        [(place, given)] => numbers(given).and_then(|given| with_given(class, given, *place == 0)),
        _ => None,
    };
    match ours {
        Some(Value::Object(ours)) => {
            let config = Place { keras: format!("{}/config", place.keras), ..place.clone() };
            translator.came_from(&config);
            Some(ours)
        }
        _ => {
            let place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
            let class = describe(&class.into());
            translator.refuse(
                &place,
                format_args!(
                    "the operator {class} is not supported as it is used here, expected a layer that does the same"
                ),
            );
            None
        }
    }
}

/// An operator on one tensor.
fn alone(class: &str, config: &Map<String, Value>) -> Option<Value> {
    let axes = |option: &str| config.get(option).and_then(Value::as_array).and_then(|axes| axes.split_first());
    match class {
        "Negative" => Some(json!({"type": "rescaling", "scale": -1.0})),
        "Clip" => bounded(config.get("x_min"), config.get("x_max")),
        "LogSoftmax" if config.get("axis").is_none_or(|axis| *axis == -1) => {
            Some(json!({"type": "activation", "activation": "log_softmax"}))
        }
        "Reshape" => {
            let (batch, axes) = axes("newshape")?;
            let keeps_rows = batch.is_null() || *batch == -1;
            let known = axes.iter().all(|axis| axis.as_i64().is_some_and(|axis| axis > 0));
            (keeps_rows && known).then(|| json!({"type": "reshape", "target_shape": axes}))
        }
        "Transpose" => {
            let (batch, axes) = axes("axes")?;
            (*batch == 0).then(|| json!({"type": "permute", "dims": axes}))
        }
        _ if let Some((_, kind)) = PLAIN.iter().find(|(operator, _)| *operator == class) => Some(json!({"type": kind})),
        _ => {
            let (_, kind, option) = ACTIVATIONS.iter().find(|(operator, ..)| *operator == class)?;
            let mut activation = json!({"type": kind});
            if let Some(option) = option {
                activation[option] = config.get(*option)?.clone();
            }
            Some(json!({"type": "activation", "activation": activation}))
        }
    }
}

/// An operator on a tensor and what stands beside it.
fn with_given(class: &str, given: Vec<f64>, first: bool) -> Option<Value> {
    let single = if let [number] = *given { with_number(class, number, first) } else { None };
    single.or_else(|| with_numbers(class, given, first))
}

/// An operator on a tensor and one number, which may stand first.
fn with_number(class: &str, number: f64, first: bool) -> Option<Value> {
    match (class, first) {
        // Of equals, Keras hands the gradient to the first one, as its `relu` does.
        ("Maximum", true) if number == 0.0 => Some(json!({"type": "activation", "activation": "relu"})),
        ("Maximum", _) => bounded(Some(&number.into()), None),
        ("Minimum", _) => bounded(None, Some(&number.into())),
        ("Power", false) if number == 2.0 => Some(json!({"type": "square"})),
        ("Power", false) => Some(json!({"type": "power", "exponent": number})),
        ("Divide" | "TrueDivide", true) if number == 1.0 => Some(json!({"type": "reciprocal"})),
        _ => None,
    }
}

/// Numbers within bounds, of which one may be missing.
fn bounded(least: Option<&Value>, most: Option<&Value>) -> Option<Value> {
    let mut clip = json!({"type": "clip"});
    for (bound, number) in [("x_min", least), ("x_max", most)] {
        if let Some(number) = number {
            clip[bound] = inputs::plain(number).as_f64()?.into();
        }
    }
    Some(clip)
}

/// An operator on a tensor and a number, or one for each place along the last axis, which may stand first.
fn with_numbers(class: &str, given: Vec<f64>, first: bool) -> Option<Value> {
    let each = |f: fn(f64) -> f64| Value::from(given.iter().copied().map(f).collect::<Vec<f64>>());
    let finite = given.iter().all(|number| number.is_finite());
    let (scale, offset) = match (class, first) {
        ("Add", _) => (json!(1.0), each(|number| number)),
        ("Subtract", false) => (json!(1.0), each(|number| -number)),
        ("Subtract", true) => (json!(-1.0), each(|number| number)),
        ("Multiply", _) => (each(|number| number), json!(0.0)),
        ("Divide" | "TrueDivide", false) if !given.contains(&0.0) => (each(|number| 1.0 / number), json!(0.0)),
        _ => return None,
    };
    let single = |numbers: Value| match numbers.as_array().map(Vec::as_slice) {
        Some([number]) => number.clone(),
        _ => numbers,
    };
    finite.then(|| json!({"type": "rescaling", "scale": single(scale), "offset": single(offset)}))
}

/// What an operator works on beside tensors, with its place among the arguments.
fn given(layer: &Value) -> Vec<(usize, &Value)> {
    let arguments = layer.pointer("/inbound_nodes/0/args").and_then(Value::as_array);
    arguments.into_iter().flatten().enumerate().filter(|(_, argument)| !holds_tensors(argument)).collect()
}

/// A number, or those of an array that has one axis alone, its last.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    let array = inputs::plain(value);
    let Value::Array(items) = array else { return Some(vec![array.as_f64()?]) };
    match items.as_slice() {
        [inner @ Value::Array(_)] => numbers(inner),
        items => items.iter().map(Value::as_f64).collect(),
    }
}
