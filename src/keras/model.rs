//! Sequential models, and functional ones that are a plain chain, into our own form.

use super::{
    class::{Place, Translator, describe, named},
    layers::{ACTIVATION_LAYERS, INPUT, LAYERS},
};
use crate::engine::field::{self, FieldError};
use serde_json::{Map, Value, json};

/// Most layers that are looked at, whatever a service's own limits: every one of them may have an error of its own.
const MOST_LAYERS: usize = 10_000;

/// Options of the model itself.
const MODEL_OPTIONS: [&str; 8] =
    ["name", "trainable", "dtype", "layers", "build_input_shape", "input_layers", "output_layers", "registered_name"];

/// Everything beside `config` that says how the model was made or saved.
const DOCUMENT_FIELDS: [&str; 8] =
    ["class_name", "config", "module", "registered_name", "build_config", "compile_config", "keras_version", "backend"];

/// Our own form of the model in `document`; errors are noted in `translator`.
pub(super) fn translate(document: &Map<String, Value>, translator: &mut Translator) -> Option<Value> {
    let root = Place { ours: String::new(), keras: String::new(), owner: String::new() };
    check_fields(document, &DOCUMENT_FIELDS, &root, translator);
    let functional = match document.get("class_name").and_then(Value::as_str) {
        Some("Sequential") => false,
        Some("Functional" | "Model") => true,
        _ => {
            let received = document.get("class_name").map_or_else(|| "nothing".into(), describe);
            let detail = format!("expected a Sequential model, or a Functional one, received {received}");
            translator.errors.push(FieldError::new("/class_name", detail));
            return None;
        }
    };
    let empty = Map::new();
    // Keras before 2.2.3 printed the layers of a Sequential as `config` itself.
    let (config, layers, pointer) = match document.get("config") {
        Some(Value::Object(config)) => (config, config.get("layers"), "/config/layers"),
        layers => (&empty, layers, "/config"),
    };
    check_model(config, translator);
    let Some(Value::Array(layers)) = layers else {
        let received = layers.map_or_else(|| "nothing".into(), describe);
        translator.errors.push(FieldError::new(pointer, format!("expected an array of layers, received {received}")));
        return None;
    };
    if layers.is_empty() || layers.len() > MOST_LAYERS {
        let detail = format!("expected 1 to {} layers, received {}", MOST_LAYERS, layers.len());
        translator.errors.push(FieldError::new(pointer, detail));
        return None;
    }
    if functional {
        check_chain(config, layers, translator);
    }
    let mut shape = None;
    let mut translated = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let place = Place {
            ours: format!("/layers/{}", translated.len()),
            keras: format!("{pointer}/{index}"),
            owner: owner_of(layer, index),
        };
        let first = index == 0;
        if layer.get("class_name").is_some_and(|class| class == "InputLayer") {
            if !first {
                translator.refuse(&place, "expected one input, at the head of the model");
            }
            read_input(layer, &place, translator);
        } else {
            translated.extend(read_layer(layer, &place, translator));
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
    if let Some(shape) = shape.and_then(|(shape, pointer)| sample_shape(shape, &pointer, translator)) {
        definition.insert("input_shape".into(), shape);
    }
    translator.came_from(&Place { ours: "/layers".into(), keras: pointer.into(), owner: String::new() });
    definition.insert("layers".into(), Value::Array(translated));
    Some(Value::Object(definition))
}

/// Fields that no version of Keras prints are the author's mistake, unless they are not set.
fn check_fields(object: &Map<String, Value>, known: &[&str], place: &Place, translator: &mut Translator) {
    for (name, _) in object.iter().filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null()) {
        let hint = match field::nearest(name, known.iter().copied()) {
            Some(name) => format!("; did you mean `{name}`?"),
            None => String::new(),
        };
        let pointer = format!("{}/{}", place.keras, field::escape(name));
        translator.errors.push(FieldError::new(pointer, format!("the field is not known in a Keras model{hint}")));
    }
}

fn check_model(config: &Map<String, Value>, translator: &mut Translator) {
    let at =
        |option: &str| Place { ours: String::new(), keras: format!("/config/{option}"), owner: "the model: ".into() };
    let place = Place { ours: String::new(), keras: "/config".into(), owner: String::new() };
    check_fields(config, &MODEL_OPTIONS, &place, translator);
    if let Some(value) = config.get("trainable").filter(|value| !value.is_null() && **value != true) {
        translator.refuse(
            &at("trainable"),
            format_args!("the option is not honoured, expected true, received {}", describe(value)),
        );
    }
    if let Some(value) = config.get("dtype") {
        translator.data_type(value, &at("dtype"));
    }
}

/// "layer `dense` (Dense): "
fn owner_of(layer: &Value, index: usize) -> String {
    let text = |pointer| layer.pointer(pointer).map(|text| describe(text).replace('"', ""));
    match (text("/config/name"), text("/class_name")) {
        (Some(name), Some(class)) => format!("layer `{name}` ({class}): "),
        (Some(name), None) => format!("layer `{name}`: "),
        (None, Some(class)) => format!("layer {index} ({class}): "),
        (None, None) => format!("layer {index}: "),
    }
}

fn read_input(layer: &Value, place: &Place, translator: &mut Translator) {
    let Some(object) = translator.object(&INPUT, layer, place) else { return };
    let Some(class) = translator.class(&INPUT, object.class, place) else { return };
    if let Some(config) = object.config {
        let place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
        translator.settings(&INPUT, class, config, &place);
    }
}

fn read_layer(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let object = translator.object(&LAYERS, layer, place)?;
    let config_place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
    translator.came_from(&config_place);
    let is_activation = ACTIVATION_LAYERS.classes.iter().any(|class| class.names.contains(&object.class));
    let family = if is_activation { &ACTIVATION_LAYERS } else { &LAYERS };
    let class_place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    let class = translator.class(family, object.class, &class_place)?;
    let empty = Map::new();
    let config = object.config.unwrap_or(&empty);
    let mut ours = Map::new();
    if let Some(name) = config.get("name").filter(|name| !name.is_null()) {
        let place = |token: &str| Place {
            ours: format!("{}/{token}", place.ours),
            keras: format!("{}/{token}", config_place.keras),
            owner: place.owner.clone(),
        };
        translator.came_from(&place("name"));
        ours.insert("name".into(), name.clone());
    }
    if is_activation {
        let place = Place { ours: format!("{}/activation", place.ours), ..config_place };
        let settings = translator.settings(family, class, config, &place);
        ours.insert("type".into(), "activation".into());
        ours.insert("activation".into(), named(class.kind, settings));
    } else {
        ours.insert("type".into(), class.kind.into());
        ours.extend(translator.settings(family, class, config, &config_place));
    }
    Some(Value::Object(ours))
}

/// A layer within another one, where its name says nothing.
pub(super) fn inner_layer(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let mut layer = read_layer(layer, place, translator)?;
    layer.as_object_mut()?.shift_remove("name");
    Some(layer)
}

/// The shape that the first layer was given, with the batch axis: Keras 2 and 3 name it differently.
fn batch_shape<'a>(layer: &'a Value, place: &Place) -> Option<(&'a Value, String)> {
    ["batch_shape", "batch_input_shape"].into_iter().find_map(|option| {
        let shape = layer.get("config")?.get(option).filter(|shape| !shape.is_null())?;
        Some((shape, format!("{}/config/{option}", place.keras)))
    })
}

/// `batch_shape` without its first axis, which is the batch's: a fixed batch changes no number.
fn sample_shape(batch_shape: &Value, pointer: &str, translator: &mut Translator) -> Option<Value> {
    let Some([_, axes @ ..]) = batch_shape.as_array().map(Vec::as_slice) else {
        let detail = format!("expected an array with the batch axis first, received {}", describe(batch_shape));
        translator.errors.push(FieldError::new(pointer, detail));
        return None;
    };
    translator.came_from(&Place { ours: "/input_shape".into(), keras: pointer.into(), owner: String::new() });
    for (index, axis) in axes.iter().enumerate() {
        let keras = format!("{pointer}/{}", index + 1);
        if axis.is_null() {
            let detail = "expected a whole number, received null: only the batch axis may be left open";
            translator.errors.push(FieldError::new(&keras, detail));
        }
        translator.came_from(&Place { ours: format!("/input_shape/{index}"), keras, owner: String::new() });
    }
    Some(json!(axes))
}

/// Notes an error unless each layer reads the one before it, and the last one's output alone is the model's.
fn check_chain(config: &Map<String, Value>, layers: &[Value], translator: &mut Translator) {
    let name = |layer: &Value| layer.get("name").or_else(|| layer.pointer("/config/name")).cloned().unwrap_or_default();
    for (index, layer) in layers.iter().enumerate() {
        let expected = index.checked_sub(1).and_then(|before| layers.get(before)).map(name);
        if inbound(layer) != Ok(expected) {
            let detail = format!(
                "{}expected a plain chain, in which each layer is called once, on the output of the layer before it alone",
                owner_of(layer, index)
            );
            translator.errors.push(FieldError::new(format!("/config/layers/{index}/inbound_nodes"), detail));
        }
    }
    for (field, layer) in [("input_layers", layers.first()), ("output_layers", layers.last())] {
        let expected = json!([layer.map(name), 0, 0]);
        let received = config.get(field);
        // One input or output stands bare in newer versions of Keras, and in a list in older ones.
        let alone = received.and_then(Value::as_array).filter(|list| list.len() == 1).and_then(|list| list.first());
        if received != Some(&expected) && alone != Some(&expected) {
            let detail = format!(
                "expected a plain chain from its first layer to its last, received {}",
                received.map_or_else(|| "nothing".into(), describe)
            );
            translator.errors.push(FieldError::new(format!("/config/{field}"), detail));
        }
    }
}

/// The one layer that `layer` was called on, or `None` for an input; an error for anything else than a single plain call.
fn inbound(layer: &Value) -> Result<Option<Value>, ()> {
    let calls = layer.get("inbound_nodes").and_then(Value::as_array).ok_or(())?;
    let call = match calls.as_slice() {
        [] => return Ok(None),
        [call] => call,
        _ => return Err(()),
    };
    let (history, arguments) = match call {
        // Keras 2: [["dense", 0, 0, {}]]
        Value::Array(tensors) => match tensors.as_slice() {
            [Value::Array(tensor)] => (tensor.as_slice(), tensor.get(3)),
            _ => return Err(()),
        },
        // Keras 3: {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["dense", 0, 0]}}], "kwargs": {}}
        Value::Object(fields) => match fields.get("args").and_then(Value::as_array).map(Vec::as_slice) {
            Some([tensor]) => {
                let history = tensor.pointer("/config/keras_history").and_then(Value::as_array).ok_or(())?;
                (history.as_slice(), fields.get("kwargs"))
            }
            _ => return Err(()),
        },
        _ => return Err(()),
    };
    // `training: false` is what a layer's own default prints; training overrides it.
    let plain = |(name, value): (&String, &Value)| value.is_null() || (name == "training" && *value == false);
    let arguments_are_plain = match arguments {
        None | Some(Value::Null) => true,
        Some(arguments) => arguments.as_object().is_some_and(|arguments| arguments.iter().all(plain)),
    };
    match history {
        [name, node, tensor, ..] if arguments_are_plain && *node == 0 && *tensor == 0 => Ok(Some(name.clone())),
        _ => Err(()),
    }
}
