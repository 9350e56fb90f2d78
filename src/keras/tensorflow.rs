//! Operators of TensorFlow, which Keras 2 prints as layers (`x + y`, `tf.nn.relu(x)`, `x[:, -1]`), rewritten as the operators of Keras 3.

use serde_json::{Map, Value, json};

/// The classes that such layers have.
const CLASSES: [&str; 2] = ["TFOpLambda", "SlicingOpLambda"];

/// The layer of a first argument that is no tensor.
const CONSTANT: &str = "_CONSTANT_VALUE";

/// An operator of TensorFlow.
struct Operator {
    name: &'static str,
    /// The class of Keras 3's.
    class: &'static str,
    /// Arguments that are options there, with their names there.
    options: &'static [(&'static str, &'static str)],
    /// Options that TensorFlow does not print where they have these values.
    defaults: &'static [(&'static str, f64)],
}

const fn plain(name: &'static str, class: &'static str) -> Operator {
    Operator { name, class, options: &[], defaults: &[] }
}

const fn with(
    name: &'static str,
    class: &'static str,
    options: &'static [(&'static str, &'static str)],
    defaults: &'static [(&'static str, f64)],
) -> Operator {
    Operator { name, class, options, defaults }
}

const AXIS: &[(&str, &str)] = &[("axis", "axis")];
const OVER: &[(&str, &str)] = &[("axis", "axis"), ("keepdims", "keepdims")];

const OPERATORS: [Operator; 100] = [
    plain("__operators__.add", "Add"),
    plain("__operators__.getitem", "GetItem"),
    plain("math.add", "Add"),
    plain("math.subtract", "Subtract"),
    plain("math.multiply", "Multiply"),
    plain("math.truediv", "TrueDivide"),
    plain("math.divide", "Divide"),
    plain("math.negative", "Negative"),
    plain("math.maximum", "Maximum"),
    plain("math.minimum", "Minimum"),
    plain("math.abs", "Absolute"),
    plain("math.exp", "Exp"),
    plain("math.log", "Log"),
    plain("math.log1p", "Log1p"),
    plain("math.pow", "Power"),
    plain("math.reciprocal", "Reciprocal"),
    plain("math.rsqrt", "Rsqrt"),
    plain("math.sigmoid", "Sigmoid"),
    plain("math.softplus", "Softplus"),
    plain("math.sqrt", "Sqrt"),
    plain("math.square", "Square"),
    plain("math.tanh", "Tanh"),
    plain("nn.bias_add", "Add"),
    with("nn.elu", "Elu", &[], &[("alpha", 1.0)]),
    with("nn.gelu", "Gelu", &[("approximate", "approximate")], &[]),
    with("nn.leaky_relu", "LeakyRelu", &[("alpha", "negative_slope")], &[("negative_slope", 0.2)]),
    plain("nn.relu", "Relu"),
    plain("nn.relu6", "Relu6"),
    plain("nn.selu", "Selu"),
    with("nn.softmax", "Softmax", AXIS, &[]),
    plain("nn.softsign", "Softsign"),
    plain("nn.silu", "Silu"),
    with("cast", "Cast", &[("dtype", "dtype")], &[]),
    with("concat", "Concatenate", AXIS, &[]),
    with("reshape", "Reshape", &[("shape", "newshape")], &[]),
    with("compat.v1.transpose", "Transpose", &[("perm", "axes")], &[]),
    with("expand_dims", "ExpandDims", AXIS, &[]),
    with("compat.v1.squeeze", "Squeeze", AXIS, &[]),
    with("math.reduce_max", "Max", OVER, &[]),
    with("math.reduce_mean", "Mean", OVER, &[]),
    with("math.reduce_min", "Min", OVER, &[]),
    with("math.reduce_sum", "Sum", OVER, &[]),
    with("clip_by_value", "Clip", &[("clip_value_min", "x_min"), ("clip_value_max", "x_max")], &[]),
    with("linalg.matmul", "Matmul", &[("transpose_a", "transpose_a"), ("transpose_b", "transpose_b")], &[]),
    with("stack", "Stack", AXIS, &[]),
    plain("math.floormod", "Mod"),
    plain("math.floordiv", "FloorDivide"),
    plain("compat.v1.floor_div", "FloorDivide"),
    plain("math.squared_difference", "SquaredDifference"),
    plain("math.atan2", "Arctan2"),
    plain("math.sin", "Sin"),
    plain("math.cos", "Cos"),
    plain("math.tan", "Tan"),
    plain("math.asin", "Arcsin"),
    plain("math.acos", "Arccos"),
    plain("math.atan", "Arctan"),
    plain("math.sinh", "Sinh"),
    plain("math.cosh", "Cosh"),
    plain("math.asinh", "Arcsinh"),
    plain("math.acosh", "Arccosh"),
    plain("math.atanh", "Arctanh"),
    plain("math.expm1", "Expm1"),
    plain("math.erf", "Erf"),
    plain("math.floor", "Floor"),
    plain("math.ceil", "Ceil"),
    plain("math.round", "Round"),
    plain("math.sign", "Sign"),
    plain("math.equal", "Equal"),
    plain("math.not_equal", "NotEqual"),
    plain("math.greater", "Greater"),
    plain("math.greater_equal", "GreaterEqual"),
    plain("math.less", "Less"),
    plain("math.less_equal", "LessEqual"),
    plain("math.logical_and", "LogicalAnd"),
    plain("math.logical_or", "LogicalOr"),
    plain("math.logical_xor", "LogicalXor"),
    plain("math.logical_not", "LogicalNot"),
    plain("zeros_like", "ZerosLike"),
    plain("ones_like", "OnesLike"),
    plain("where", "Where"),
    plain("identity", "Identity"),
    with("split", "Split", &[("num_or_size_splits", "indices_or_sections"), ("axis", "axis")], &[("axis", 0.0)]),
    with(
        "compat.v1.pad",
        "Pad",
        &[("paddings", "pad_width"), ("mode", "mode"), ("constant_values", "constant_values")],
        &[],
    ),
    with("tile", "Tile", &[("multiples", "repeats")], &[]),
    with("repeat", "Repeat", &[("repeats", "repeats"), ("axis", "axis")], &[]),
    with("reverse", "Flip", AXIS, &[]),
    with("roll", "Roll", &[("shift", "shift"), ("axis", "axis")], &[]),
    with("math.cumsum", "Cumsum", AXIS, &[("axis", 0.0)]),
    with("one_hot", "OneHot", &[("depth", "num_classes"), ("axis", "axis"), ("dtype", "dtype")], &[("axis", -1.0)]),
    with("compat.v1.gather", "Take", AXIS, &[("axis", 0.0)]),
    with("compat.v1.norm", "Norm", &[("ord", "ord"), ("axis", "axis"), ("keepdims", "keepdims")], &[]),
    with("math.l2_normalize", "Normalize", AXIS, &[("order", 2.0), ("epsilon", 1e-6)]),
    with("math.reduce_prod", "Prod", OVER, &[]),
    with("math.reduce_std", "Std", OVER, &[]),
    with("math.reduce_variance", "Var", OVER, &[]),
    with("math.reduce_logsumexp", "Logsumexp", OVER, &[]),
    with("math.reduce_any", "Any", OVER, &[]),
    with("math.reduce_all", "All", OVER, &[]),
    with("math.argmax", "Argmax", AXIS, &[("axis", 0.0)]),
    with("math.argmin", "Argmin", AXIS, &[("axis", 0.0)]),
];

/// Arguments that are further operands.
const OPERANDS: [&str; 5] = ["x", "y", "b", "bias", "indices"];

/// `document` with each such layer rewritten as the operator of Keras 3; `None` where there is none.
pub(super) fn rewrite_as_keras3(document: &Value) -> Option<Value> {
    has_any(document).then(|| {
        let mut rewritten = document.clone();
        rewrite_layers(&mut rewritten);
        rewritten
    })
}

fn is_operator(layer: &Value) -> bool {
    layer.get("class_name").and_then(Value::as_str).is_some_and(|class| CLASSES.contains(&class))
}

/// Whether a model, or one within it, has such a layer.
fn has_any(model: &Value) -> bool {
    let layers = model.pointer("/config/layers").and_then(Value::as_array);
    layers.into_iter().flatten().any(|layer| is_operator(layer) || has_any(layer))
}

/// Rewrites the layers of a model and of models within it.
fn rewrite_layers(model: &mut Value) {
    for layer in model.pointer_mut("/config/layers").and_then(Value::as_array_mut).into_iter().flatten() {
        match is_operator(layer) {
            true => *layer = rewrite_layer(layer).unwrap_or_else(|| layer.take()),
            false => rewrite_layers(layer),
        }
    }
}

/// One such layer; `None` where it has not the form that Keras 2 prints.
fn rewrite_layer(layer: &Value) -> Option<Value> {
    let name = layer.pointer("/config/name")?;
    let function = layer.pointer("/config/function")?.as_str()?;
    let shape = layer.pointer("/build_config/input_shape").unwrap_or(&Value::Null);
    let nodes: Vec<KerasCall> =
        layer.get("inbound_nodes")?.as_array()?.iter().map(|node| read_call(node, shape)).collect::<Option<_>>()?;
    let operator = OPERATORS.iter().find(|operator| operator.name == function);
    let options = nodes.first().and_then(|node| operator.and_then(|operator| operator.options_of(&node.arguments)));
    // What is not known is refused by TensorFlow's name of it.
    let class = operator.filter(|_| options.is_some()).map_or(function, |operator| operator.class);
    let mut config = options.unwrap_or_default();
    config.insert("name".to_owned(), name.clone());
    let calls: Vec<Value> = nodes.into_iter().map(|node| json!({"args": node.operands, "kwargs": {}})).collect();
    Some(json!({
        "class_name": class, "module": "keras.src.ops.numpy", "config": config, "name": name, "inbound_nodes": calls,
    }))
}

/// A call: its operands and its other arguments.
struct KerasCall {
    operands: Vec<Value>,
    arguments: Map<String, Value>,
}

/// `["dense", 0, 0, {"y": ["other", 0, 0]}]`, or an array of such where the operator takes a list of tensors.
fn read_call(node: &Value, shape: &Value) -> Option<KerasCall> {
    let parts = node.as_array()?;
    let (first, given) = match parts.first()? {
        Value::String(_) => (operand(parts, shape)?, parts.get(3)),
        _ => {
            let tensors = parts.iter().map(|tensor| operand(tensor.as_array()?, shape)).collect::<Option<Vec<_>>>()?;
            (Value::Array(tensors), parts.first()?.get(3))
        }
    };
    let mut call = KerasCall { operands: vec![first], arguments: Map::new() };
    for (name, value) in given.and_then(Value::as_object).into_iter().flatten() {
        match value {
            Value::Null | Value::Bool(false) => {}
            _ if name == "name" || (name == "data_format" && *value == "NHWC") => {}
            _ if name == "batch_dims" && *value == 0 => {}
            Value::Array(key) if name == "slice_spec" => call.operands.push(key.iter().map(part_of_key).collect()),
            Value::Array(parts) if parts.first().is_some_and(Value::is_string) && OPERANDS.contains(&name.as_str()) => {
                call.operands.push(operand(parts, &Value::Null)?);
            }
            Value::Array(_) if OPERANDS.contains(&name.as_str()) => {
                call.operands.push(json!({"class_name": "__tensor__", "config": {"value": value}}));
            }
            Value::Number(_) if OPERANDS.contains(&name.as_str()) => call.operands.push(value.clone()),
            _ => {
                call.arguments.insert(name.clone(), value.clone());
            }
        }
    }
    Some(call)
}

/// A tensor, of this shape where it is known, or a number.
fn operand(parts: &[Value], shape: &Value) -> Option<Value> {
    match parts {
        [Value::String(layer), _, value, ..] if layer == CONSTANT => Some(value.clone()),
        [layer, call, output, ..] => Some(json!({
            "class_name": "__keras_tensor__", "config": {"shape": shape, "keras_history": [layer, call, output]},
        })),
        _ => None,
    }
}

fn part_of_key(part: &Value) -> Value {
    let is_slice = part.get("start").is_some() && part.get("class_name").is_none();
    if is_slice { json!({"class_name": "__slice__", "config": part}) } else { part.clone() }
}

impl Operator {
    /// The options of Keras 3 for these arguments; `None` where an argument has none.
    fn options_of(&self, arguments: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut options: Map<String, Value> =
            self.defaults.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        if self.options.contains(&("approximate", "approximate")) {
            options.insert("approximate".to_owned(), false.into());
        }
        for (name, value) in arguments {
            let (_, ours) = self.options.iter().find(|(option, _)| option == name)?;
            options.insert((*ours).to_owned(), value.clone());
        }
        // Keras prints an axis as an integer.
        for (_, value) in &mut options {
            if let Some(whole) = value.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 1e9)
                && self.options.iter().any(|(name, _)| *name == "axis")
            {
                *value = (whole as i64).into();
            }
        }
        if let Some(Value::String(mode)) = options.get_mut("mode") {
            *mode = mode.to_lowercase();
        }
        if let Some(Value::Array(sizes)) = options.get_mut("indices_or_sections") {
            *sizes = places_after(sizes)?;
        }
        Some(options)
    }
}

/// Where parts of these sizes begin, but for the first.
fn places_after(sizes: &[Value]) -> Option<Vec<Value>> {
    let (_, before) = sizes.split_last()?;
    let mut place = 0u64;
    before
        .iter()
        .map(|size| {
            place = place.checked_add(size.as_u64()?)?;
            Some(place.into())
        })
        .collect()
}
