//! Operators on each element by itself: of one tensor, of a tensor and a constant, of two.

use super::{
    call::{Array, Operand, OperatorCall},
    steps::Steps,
};
use crate::keras::json;
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

/// Operators that are layers of ours without settings: Keras's name and that of the layer.
const PLAIN: [(&str, &str); 29] = [
    ("Absolute", "absolute"),
    ("Abs", "absolute"),
    ("Square", "square"),
    ("Sqrt", "sqrt"),
    ("Rsqrt", "rsqrt"),
    ("Reciprocal", "reciprocal"),
    ("Log", "log"),
    ("Log1p", "log1p"),
    ("Log2", "log2"),
    ("Log10", "log10"),
    ("Expm1", "expm1"),
    ("Identity", "identity"),
    ("Sin", "sin"),
    ("Cos", "cos"),
    ("Tan", "tan"),
    ("Arcsin", "arcsin"),
    ("Arccos", "arccos"),
    ("Arctan", "arctan"),
    ("Sinh", "sinh"),
    ("Cosh", "cosh"),
    ("Arcsinh", "arcsinh"),
    ("Arccosh", "arccosh"),
    ("Arctanh", "arctanh"),
    ("Erf", "erf"),
    ("Floor", "floor"),
    ("Ceil", "ceil"),
    ("Trunc", "trunc"),
    ("Sign", "sign"),
    ("LogicalNot", "logical_not"),
];

/// Operators on two tensors: Keras's name, that of the layer, and whether it takes truths for what they are.
const PAIRS: [(&str, &str, bool); 21] = [
    ("Add", "add", false),
    ("Subtract", "subtract", false),
    ("Multiply", "multiply", false),
    ("Divide", "divide", false),
    ("TrueDivide", "divide", false),
    ("Maximum", "maximum", false),
    ("Minimum", "minimum", false),
    ("Power", "exponentiate", false),
    ("Mod", "mod", false),
    ("FloorDivide", "floor_divide", false),
    ("Arctan2", "arctan2", false),
    ("Logaddexp", "logaddexp", false),
    ("Equal", "equal", true),
    ("NotEqual", "not_equal", true),
    ("Greater", "greater", true),
    ("GreaterEqual", "greater_equal", true),
    ("Less", "less", true),
    ("LessEqual", "less_equal", true),
    ("LogicalAnd", "logical_and", true),
    ("LogicalOr", "logical_or", true),
    ("LogicalXor", "logical_xor", true),
];

/// Operators with rules of their own.
const OTHERS: [&str; 8] =
    ["Negative", "Clip", "LogSoftmax", "Round", "ZerosLike", "OnesLike", "Where", "SquaredDifference"];

/// The names of these operators.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    let activations = ACTIVATIONS.iter().map(|(name, ..)| *name);
    let pairs = PAIRS.iter().map(|(name, ..)| *name);
    OTHERS.into_iter().chain(activations).chain(PLAIN.iter().map(|(name, _)| *name)).chain(pairs)
}

/// An operator on each element by itself; `None` where it is none, or not with these operands.
pub(super) fn read(call: &OperatorCall<'_>) -> Option<Steps> {
    match call.operands.as_slice() {
        [Operand::Tensor(_)] => Steps::one(alone(call.class, call.config)?),
        [Operand::Tensor(tensor), Operand::Array(array)] => {
            shortcut(call, array, tensor.sample.as_deref(), false).or_else(|| pair(call))
        }
        [Operand::Array(array), Operand::Tensor(tensor)] => {
            shortcut(call, array, tensor.sample.as_deref(), true).or_else(|| pair(call))
        }
        [Operand::Tensor(_), Operand::Tensor(_)] => pair(call),
        [_, _, _] if call.class == "Where" => choose(call),
        _ => None,
    }
}

/// An operator on a tensor and what is one number, or some along the last axis: one layer without a constant.
fn shortcut(call: &OperatorCall<'_>, array: &Array, sample: Option<&[Option<u64>]>, first: bool) -> Option<Steps> {
    let last = sample.and_then(|sample| sample.last().copied());
    // A tensor that stretches to the array is no longer what a layer of one tensor gives.
    let along = array.values.len() == 1 || last.is_none_or(|last| last == Some(array.values.len() as u64));
    let one_axis = array.shape.iter().rev().skip(1).all(|size| *size == 1);
    let fits = sample.is_none_or(|sample| array.shape.len() <= sample.len() + 1);
    if !(along && one_axis && fits) || call.tensors().any(|tensor| tensor.is_bool) {
        return None;
    }
    Steps::one(with_given(call.class, array.values.clone(), first)?)
}

/// An operator on two operands.
fn pair(call: &OperatorCall<'_>) -> Option<Steps> {
    if call.class == "SquaredDifference" {
        let mut steps =
            pair(&OperatorCall { class: "Subtract", operands: call.operands.clone(), named: Vec::new(), ..*call })?;
        let difference = steps.last()?;
        steps.add(json!({"type": "square"}), [difference]);
        return Some(steps);
    }
    let (_, kind, takes_truths) = PAIRS.iter().find(|(class, ..)| *class == call.class)?;
    // Of truths alone, arithmetic is another one.
    let of_truths = call.tensors().all(|tensor| tensor.is_bool);
    let divides = ["Divide", "TrueDivide", "Mod", "FloorDivide"].contains(&call.class);
    let by_zero = matches!(call.operands.last(), Some(Operand::Array(array)) if divides && array.values.contains(&0.0));
    if (of_truths && !takes_truths) || !call.stretch() || by_zero {
        return None;
    }
    let mut steps = Steps::default();
    let axes = call.axes().unwrap_or(1);
    let reads = call.operands.iter().map(|operand| steps.read(operand, axes)).collect::<Option<Vec<_>>>()?;
    steps.add(json!({"type": kind}), reads);
    Some(steps)
}

/// `where(condition, x, y)`
fn choose(call: &OperatorCall<'_>) -> Option<Steps> {
    if !call.stretch() {
        return None;
    }
    let mut steps = Steps::default();
    let axes = call.axes()?;
    let reads = call.operands.iter().map(|operand| steps.read(operand, axes)).collect::<Option<Vec<_>>>()?;
    steps.add(json!({"type": "where"}), reads);
    Some(steps)
}

/// An operator on one tensor.
fn alone(class: &str, config: &Map<String, Value>) -> Option<Value> {
    match class {
        "Negative" => Some(json!({"type": "rescaling", "scale": -1.0})),
        "Clip" => bounded(config.get("x_min"), config.get("x_max")),
        "LogSoftmax" if config.get("axis").is_none_or(|axis| *axis == -1) => {
            Some(json!({"type": "activation", "activation": "log_softmax"}))
        }
        "Round" if config.get("decimals").is_none_or(|decimals| *decimals == 0) => Some(json!({"type": "round"})),
        "ZerosLike" => Some(json!({"type": "rescaling", "scale": 0.0})),
        "OnesLike" => Some(json!({"type": "rescaling", "scale": 0.0, "offset": 1.0})),
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
            clip[bound] = json::plain(number).as_f64()?.into();
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
