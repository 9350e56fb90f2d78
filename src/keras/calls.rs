//! What a layer of a functional model was called on, in the dialects of Keras 2 and 3.

use super::{
    json::{describe, is_model, is_operator, sorted},
    place::Place,
    translator::Translator,
};
use serde_json::{Map, Value};

/// A tensor by its history: which layer made it, in which of its calls, and which of the call's outputs it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub layer: String,
    pub call: usize,
    pub output: usize,
}

/// One call of a layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Call {
    /// In order; those passed by name (`query`, `value`, `key`) follow in the order of [`NAMED`].
    pub tensors: Vec<Tensor>,
    /// Arguments that are no tensors, but those without effect.
    pub arguments: Map<String, Value>,
    /// The argument `mask`.
    pub mask: Option<Tensor>,
    /// The names of the tensors where they have some, in the tensors' order.
    pub names: Vec<String>,
}

/// Tensors that some layers take by name, in the order in which ours take them.
const NAMED: [&str; 7] = ["inputs", "sequence", "sequences", "query", "value", "key", "initial_state"];

/// Every call of `layer`, which stands at `place`; errors are noted.
pub(super) fn calls(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Vec<Call>> {
    let at = |token: String| Place { keras: format!("{}/inbound_nodes{token}", place.keras), ..place.clone() };
    let Some(nodes) = layer.get("inbound_nodes").and_then(Value::as_array) else {
        let received = layer.get("inbound_nodes").map_or_else(|| "nothing".into(), describe);
        translator.refuse(&at(String::new()), format_args!("expected an array of calls, received {received}"));
        return None;
    };
    let random = ["Dropout", "GaussianDropout", "GaussianNoise", "BatchNormalization"];
    let trains = |node: &Value| node.pointer("/kwargs/training") == Some(&Value::Bool(true));
    if !translator.old
        && layer.get("class_name").is_some_and(|class| random.iter().any(|it| class == it))
        && nodes.iter().any(trains)
    {
        let detail =
            "`training=True` in a call has no effect where Keras 3 trains or predicts with the model, nor here";
        translator.warn("training_argument_ignored", &at(String::new()), detail);
    }
    let mut calls = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        match call(node, is_operator(layer), translator.old) {
            Ok(call) if call.names.is_empty() || is_model(layer) => calls.push(call),
            Ok(_) => {
                translator.refuse(&at(format!("/{index}")), "expected a tensor or a list of them, received an object");
                return None;
            }
            Err(detail) => {
                translator.refuse(&at(format!("/{index}")), detail);
                return None;
            }
        }
    }
    Some(calls)
}

/// One call. An operator may be called on numbers and on parts of keys, too, which are no tensors.
fn call(node: &Value, operator: bool, old: bool) -> Result<Call, String> {
    let mut call = Call::default();
    let mut named: Vec<(usize, Tensor)> = Vec::new();
    match node {
        // Keras 2: [["dense", 0, 0, {}], …], further tensors among the arguments of the first.
        Value::Array(tensors) => {
            for tensor in tensors {
                let Value::Array(parts) = tensor else {
                    return Err(format!("expected a tensor [layer, call, output], received {}", describe(tensor)));
                };
                call.tensors.push(history(parts)?);
                if let Some(Value::Object(arguments)) = parts.get(3) {
                    read_arguments(arguments, old, &mut call, &mut named)?;
                }
            }
        }
        // Keras 3: {"args": [tensor or [tensor, …]], "kwargs": {…}}
        Value::Object(fields) => {
            for argument in fields.get("args").and_then(Value::as_array).into_iter().flatten() {
                match argument {
                    argument if operator && !holds_tensors(argument) => {}
                    Value::Object(tensors) if tensor(argument).is_none() && !tensors.contains_key("class_name") => {
                        for (name, tensor) in sorted(tensors) {
                            call.names.push(name.clone());
                            read_tensors(tensor, &mut call.tensors)?;
                        }
                    }
                    _ => read_tensors(argument, &mut call.tensors)?,
                }
            }
            if let Some(Value::Object(arguments)) = fields.get("kwargs") {
                read_arguments(arguments, old, &mut call, &mut named)?;
            }
        }
        other => return Err(format!("expected a call, received {}", describe(other))),
    }
    named.sort_by_key(|(place, _)| *place);
    call.tensors.extend(named.into_iter().map(|(_, tensor)| tensor));
    match call.tensors.is_empty() {
        true => Err("expected a call on at least one tensor, received none".into()),
        false => Ok(call),
    }
}

fn read_arguments(
    arguments: &Map<String, Value>,
    old: bool,
    call: &mut Call,
    named: &mut Vec<(usize, Tensor)>,
) -> Result<(), String> {
    for (name, value) in arguments {
        // The mode in which a model runs overrides the argument in Keras 3, not in Keras 2.
        if value.is_null() || (name == "training" && value.is_boolean() && !old) {
            continue;
        }
        match (tensor(value), NAMED.iter().position(|known| known == name)) {
            (Some(tensor), None) if name == "mask" => call.mask = Some(tensor?),
            (Some(tensor), Some(place)) => named.push((place, tensor?)),
            (None, Some(place)) if name == "initial_state" => {
                let mut states = Vec::new();
                read_tensors(value, &mut states)?;
                named.extend(states.into_iter().map(|state| (place, state)));
            }
            (Some(_), None) => return Err(format!("the argument `{name}` is a tensor, which is not supported")),
            (None, _) => {
                call.arguments.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(())
}

/// A tensor, or a list of them.
fn read_tensors(value: &Value, tensors: &mut Vec<Tensor>) -> Result<(), String> {
    match (tensor(value), value) {
        (Some(tensor), _) => tensors.push(tensor?),
        (None, Value::Array(items)) => {
            for item in items {
                read_tensors(item, tensors)?;
            }
        }
        (None, Value::Null) => {}
        (None, other) => return Err(format!("expected a tensor, received {}", describe(other))),
    }
    Ok(())
}

/// Whether an argument is a tensor, or a list with one in it.
pub(super) fn holds_tensors(argument: &Value) -> bool {
    let within = |items: &Vec<Value>| items.iter().any(|item| tensor(item).is_some());
    tensor(argument).is_some() || argument.as_array().is_some_and(within)
}

/// The tensors whose numbers a layer reads, in all of its calls and whatever else it reads.
pub(super) fn tensors_of(layer: &Value) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    for node in layer.get("inbound_nodes").and_then(Value::as_array).into_iter().flatten() {
        let mut open: Vec<&Value> = node.get("args").into_iter().collect();
        let named = node.get("kwargs").and_then(Value::as_object).into_iter().flatten();
        open.extend(named.filter(|(name, _)| *name != "mask").map(|(_, value)| value));
        // Keras 2 prints the tensors alone, with arguments behind the first.
        for tensor in node.as_array().into_iter().flatten() {
            open.push(tensor);
            open.extend(tensor.get(3).and_then(Value::as_object).into_iter().flatten().map(|(_, value)| value));
        }
        while let Some(value) = open.pop() {
            match (tensor(value), value) {
                (Some(tensor), _) => tensors.extend(tensor),
                (None, Value::Array(items)) => open.extend(items),
                (None, _) => {}
            }
        }
    }
    tensors
}

/// The tensors of one call of Keras 3, masks among them: those passed in order, then those by name, the names in rising order.
pub(super) fn read_by_node(node: &Value) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    let mut open: Vec<&Value> = [node.get("kwargs"), node.get("args")].into_iter().flatten().collect();
    while let Some(value) = open.pop() {
        match (tensor(value), value) {
            (Some(tensor), _) => tensors.extend(tensor),
            (None, Value::Array(items)) => open.extend(items.iter().rev()),
            (None, Value::Object(fields)) => {
                let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
                fields.sort_by(|a, b| b.0.cmp(a.0));
                open.extend(fields.into_iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    tensors
}

/// A tensor of either dialect; `None` where the value is something else.
fn tensor(value: &Value) -> Option<Result<Tensor, String>> {
    match value {
        Value::Object(fields) if fields.get("class_name").is_some_and(|class| class == "__keras_tensor__") => {
            let history = value.pointer("/config/keras_history").and_then(Value::as_array);
            Some(
                history
                    .ok_or_else(|| "expected a tensor with `keras_history`".to_owned())
                    .and_then(|parts| self::history(parts)),
            )
        }
        Value::Array(parts) if parts.first().is_some_and(Value::is_string) && parts.len() >= 3 => Some(history(parts)),
        _ => None,
    }
}

/// `["dense", 0, 0]`
pub(super) fn history(parts: &[Value]) -> Result<Tensor, String> {
    let count = |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok());
    match parts {
        [Value::String(layer), call, output, ..] if count(call).is_some() && count(output).is_some() => Ok(Tensor {
            layer: layer.clone(),
            call: count(call).unwrap_or_default(),
            output: count(output).unwrap_or_default(),
        }),
        _ => Err(format!("expected a tensor [layer, call, output], received an array of {}", parts.len())),
    }
}

/// `input_layers` or `output_layers`: one tensor bare, a list of them, or an object of them by name.
pub(super) fn ends(value: Option<&Value>) -> Result<Vec<Tensor>, String> {
    let value = value.ok_or_else(|| "expected a list of tensors, received nothing".to_owned())?;
    match value {
        Value::Array(parts) if parts.first().is_some_and(Value::is_string) => history(parts).map(|tensor| vec![tensor]),
        Value::Array(tensors) => {
            tensors.iter().map(|tensor| ends(Some(tensor))).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        }
        Value::Object(tensors) => {
            let tensors = sorted(tensors).into_iter().map(|(_, tensor)| ends(Some(tensor)));
            tensors.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        }
        other => Err(format!("expected a list of tensors, received {}", describe(other))),
    }
}
