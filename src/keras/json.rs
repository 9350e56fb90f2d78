//! Keras's JSON as it is: classes, names, data types and values, without a translation.

use serde_json::{Map, Value};

/// The classes that are models.
const MODELS: [&str; 3] = ["Sequential", "Functional", "Model"];

/// Whether a layer is a model of its own.
pub(super) fn is_model(layer: &Value) -> bool {
    layer.get("class_name").and_then(Value::as_str).is_some_and(|class| MODELS.contains(&class))
}

/// The model that a layer is, or that runs on each step of one; where it stands below the layer.
pub(super) fn model_within(layer: &Value) -> Option<(&Value, &'static str)> {
    if is_model(layer) {
        return Some((layer, ""));
    }
    let each = layer.get("class_name").is_some_and(|class| class == "TimeDistributed");
    let inner = layer.pointer("/config/layer").filter(|inner| each && is_model(inner))?;
    Some((inner, "/config/layer"))
}

/// Whether `layer` is an operator and no layer.
pub(super) fn is_operator(layer: &Value) -> bool {
    layer.get("module").and_then(Value::as_str).is_some_and(|module| module.starts_with("keras.src.ops"))
}

/// The class of dense layers by an equation.
pub(super) const EINSUM_DENSE: &str = "EinsumDense";

/// Whether `layer` is an `EinsumDense`.
pub(super) fn is_einsum(layer: &Value) -> bool {
    layer.get("class_name").is_some_and(|class| class == EINSUM_DENSE)
}

/// A name as ours may be: weights are named by their layer's with a slash after it.
pub(super) fn our_name(name: &str) -> String {
    name.replace('/', "_")
}

/// What Keras calls a layer.
pub(super) fn name_of(layer: &Value, index: usize) -> String {
    let name = layer.get("name").or_else(|| layer.pointer("/config/name")).and_then(Value::as_str);
    name.map_or_else(|| format!("layer_{index}"), str::to_owned)
}

/// "layer `dense` (Dense): "
pub(super) fn owner_of(layer: &Value, index: usize) -> String {
    let text = |pointer| layer.pointer(pointer).map(|text| describe(text).replace('"', ""));
    match (text("/config/name"), text("/class_name")) {
        (Some(name), Some(class)) => format!("layer `{name}` ({class}): "),
        (Some(name), None) => format!("layer `{name}`: "),
        (None, Some(class)) => format!("layer {index} ({class}): "),
        (None, None) => format!("layer {index}: "),
    }
}

/// Types of whole numbers.
const WHOLE: [&str; 8] = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];

/// Whether a data type, by its name or as a policy, is one of whole numbers.
pub(super) fn is_whole(given: &Value) -> bool {
    let name = given.pointer("/config/name").unwrap_or(given);
    name.as_str().is_some_and(|name| WHOLE.contains(&name))
}

/// The order in which Keras takes tensors that have names: that of the names.
pub(super) fn sorted(tensors: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut named: Vec<_> = tensors.iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named
}

/// The number or the numbers that an array of NumPy's holds, as Keras prints it in an option; anything else as it is.
pub(super) fn plain(value: &Value) -> &Value {
    let is_array =
        value.get("class_name").and_then(Value::as_str).is_some_and(|it| ["__numpy__", "__tensor__"].contains(&it));
    value.pointer("/config/value").filter(|_| is_array).unwrap_or(value)
}

/// An object of ours: its name alone, or its settings with `type` first.
pub(super) fn named(kind: &str, settings: Map<String, Value>) -> Value {
    if settings.is_empty() {
        return kind.into();
    }
    let mut object = Map::from_iter([("type".to_owned(), kind.into())]);
    object.extend(settings);
    Value::Object(object)
}

/// The name of a function of the author's own, as Keras prints it: it refuses to load one too.
pub(super) fn own_function(value: &Value) -> Option<&str> {
    let is = |field: &str, expected: &str| value.get(field).is_some_and(|found| found == expected);
    value.get("config").and_then(Value::as_str).filter(|_| is("class_name", "function") && is("module", "builtins"))
}

/// Where a class comes from that is not Keras's own.
pub(super) fn foreign(fields: &Map<String, Value>) -> Option<String> {
    const HOMES: [&str; 4] = ["keras", "tensorflow", "tf_keras", "builtins"];
    let text = |field| fields.get(field).and_then(Value::as_str);
    // Keras 2 registers some layers of its own models as if they were the author's.
    let of_applications = |module: &str| module.starts_with("keras.") || module.starts_with("tf_keras.");
    if text("module").is_some_and(|module| of_applications(module) && module.contains(".applications.")) {
        return None;
    }
    if let Some(name) = text("registered_name").filter(|name| name.contains('>')) {
        return Some(format!("registered as `{}`", shorten(name)));
    }
    let module = text("module")?;
    let package = module.split('.').next().unwrap_or(module);
    (!HOMES.contains(&package)).then(|| format!("of the module `{}`", shorten(module)))
}

/// A value in a message: what it is, where it is short.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", shorten(text)),
        Value::Object(fields) => match fields.get("class_name").and_then(Value::as_str) {
            Some(class) => shorten(class),
            None => "an object".to_owned(),
        },
        Value::Array(items) if items.len() > 8 || items.iter().any(|item| item.is_array() || item.is_object()) => {
            format!("an array of {}", items.len())
        }
        other => other.to_string(),
    }
}

/// The beginning of a text, for a message.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
