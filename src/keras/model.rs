//! Models into our own form: plain chains of layers, and graphs.

use super::{
    augmentation, calls, channels, cleared_masks, einsum, execution,
    graph::{Graph, Placed, UNNAMED_INPUT},
    inputs::{self, batch_shape, sample_shape},
    layers::{ACTIVATION_LAYERS, INPUT, LAYERS},
    masks::{self, Given, Stated},
    operators::{self, Step, is_operator},
    parts, recurrent, residual, stacked_cells,
    translator::{Place, Translator, describe, named},
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
    check_model(config, "/config", translator);
    let layers = checked_layers(layers, pointer, translator)?;
    if !functional && !layers.iter().any(|layer| model_within(layer).is_some()) {
        return chain(config, layers, pointer, translator);
    }
    let graph = Graph::read(functional, config, layers, pointer, translator)?;
    graph.check_inputs(translator);
    let outcome = graph.placed().and_then(|placed| Ok((placed, graph.outputs()?)));
    let (placed, outputs) = outcome.map_err(|error| translator.errors.push(error)).ok()?;
    from_graph(&graph, placed, outputs, pointer, translator)
}

/// The layers of a model within a model, and its configuration.
pub(super) fn layers_of<'a>(
    layer: &'a Value,
    pointer: &str,
    translator: &mut Translator,
) -> Option<(&'a Map<String, Value>, &'a [Value])> {
    let Some(Value::Object(config)) = layer.get("config") else {
        let received = layer.get("config").map_or_else(|| "nothing".into(), describe);
        translator.errors.push(FieldError::new(pointer, format!("expected an object, received {received}")));
        return None;
    };
    check_model(config, pointer, translator);
    let layers = checked_layers(config.get("layers"), &format!("{pointer}/layers"), translator)?;
    Some((config, layers))
}

fn checked_layers<'a>(layers: Option<&'a Value>, pointer: &str, translator: &mut Translator) -> Option<&'a [Value]> {
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
    Some(layers)
}

/// A Sequential model of plain layers: each reads the one before it.
fn chain(config: &Map<String, Value>, layers: &[Value], pointer: &str, translator: &mut Translator) -> Option<Value> {
    let frozen = config.get("trainable") == Some(&Value::Bool(false));
    let has_masks = layers.iter().any(masks::begins_one);
    let mut shape = None;
    let mut translated = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let place = Place {
            ours: format!("/layers/{}", translated.len()),
            keras: format!("{pointer}/{index}"),
            owner: owner_of(layer, index),
        };
        let first = index == 0;
        if has_masks {
            recurrent::check_masked(layer, &place, translator);
        }
        if layer.get("class_name").is_some_and(|class| class == "InputLayer") {
            if !first {
                translator.refuse(&place, "expected one input, at the head of the model");
            }
            read_input(layer, &place, translator);
            inputs::check_type(layer, layers.iter().skip(1).take(1), false, &place, translator);
        } else if stacked_cells::is_stack(layer) {
            for mut step in stacked_cells::read(layer, &place, translator).unwrap_or_default() {
                freeze(&mut step.layer, frozen || layer.pointer("/config/trainable") == Some(&Value::Bool(false)));
                translated.push(Value::Object(step.layer));
            }
        } else if let Some(mut ours) = read_layer(layer, &place, translator) {
            if let Some(name) = ours.get("name").and_then(Value::as_str).filter(|_| einsum::is_einsum(layer)) {
                translator.masks.push(Stated { layer: name.to_owned(), place: place.clone(), given: Given::Nothing });
            }
            if has_masks {
                set_output_mask(&mut ours, layer, translator);
            }
            freeze(&mut ours, frozen || layer.pointer("/config/trainable") == Some(&Value::Bool(false)));
            translated.push(Value::Object(ours));
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
    if let Some((shape, pointer)) = shape
        && let Some(shape) = sample_shape(shape, &pointer, "/input_shape", translator)
    {
        definition.insert("input_shape".into(), shape);
    }
    translator.came_from(&Place { ours: "/layers".into(), keras: pointer.into(), owner: String::new() });
    definition.insert("layers".into(), Value::Array(translated));
    Some(Value::Object(definition))
}

/// A graph in our form: as a plain chain where it is one.
fn from_graph(
    graph: &Graph<'_>,
    placed: Vec<Placed<'_>>,
    outputs: Vec<String>,
    pointer: &str,
    translator: &mut Translator,
) -> Option<Value> {
    let mut definition = Map::new();
    let inputs = graph.inputs();
    let input =
        inputs.first().map_or_else(|| UNNAMED_INPUT.to_owned(), |(layer, _)| calls::ours(&calls::name_of(layer, 0)));
    let is_chain = inputs.len() <= 1
        && reads_in_order(&input, &placed, &outputs)
        && !placed.iter().any(|placed| operators::is_several(placed.layer) || stacked_cells::is_several(placed.layer));
    match (is_chain, inputs.first()) {
        (true, Some((layer, keras))) => {
            let place = Place { ours: "/input_shape".into(), keras: keras.clone(), owner: owner_of(layer, 0) };
            read_input(layer, &place, translator);
            if let Some((shape, pointer)) = batch_shape(layer, &place) {
                definition.insert("input_shape".into(), sample_shape(shape, &pointer, "/input_shape", translator)?);
            }
        }
        (true, None) => {}
        (false, _) => {
            definition.insert("inputs".into(), inputs::named(graph, translator)?);
        }
    }
    let has_masks = graph.has_masks();
    let mut translated = Vec::with_capacity(placed.len());
    for (index, placed) in placed.into_iter().enumerate() {
        let place = Place {
            ours: format!("/layers/{}", translated.len()),
            keras: placed.pointer.clone(),
            owner: owner_of(placed.layer, index),
        };
        let Some(steps) = read_steps(placed.layer, &place, translator) else { continue };
        if placed.masked.contains(&true) || (has_masks && translator.old) {
            recurrent::check_masked(placed.layer, &place, translator);
        }
        stacked_cells::check_states(placed.layer, &placed.inputs, &place, translator);
        let last = steps.len().saturating_sub(1);
        for (number, Step { layer: mut ours, reads }) in steps.into_iter().enumerate() {
            let place = Place { ours: format!("/layers/{}", translated.len()), ..place.clone() };
            let name = if number == last { placed.name.clone() } else { format!("{}.{number}", placed.name) };
            let read = placed.inputs_of(reads.as_deref());
            if let Some(given) = &placed.given {
                translator.masks.push(Stated { layer: name.clone(), place: place.clone(), given: given.clone() });
            }
            if placed.steps > 0 {
                if has_masks && translator.old {
                    translator
                        .refuse(&place, "expected no masks beside a model of Keras 2 on each step, received some");
                }
                ours = parts::on_each_step(ours, placed.steps, &place, translator);
            }
            if has_masks && placed.steps == 0 {
                set_output_mask(&mut ours, placed.layer, translator);
            }
            if has_masks && !translator.old {
                parts::forget_masks(&mut ours, &read, &placed.masked, &place, translator);
            }
            ours.insert("name".into(), name.into());
            if !is_operator(placed.layer) {
                read_arguments(&mut ours, &placed.arguments, &place, translator);
            }
            freeze(&mut ours, !placed.trainable);
            if !is_chain {
                let of_inputs = Place {
                    ours: format!("{}/inputs", place.ours),
                    keras: format!("{}/inbound_nodes", place.keras),
                    owner: place.owner.clone(),
                };
                translator.came_from(&of_inputs);
                ours.insert("inputs".into(), json!(read));
            }
            translated.push(Value::Object(ours));
        }
    }
    translator.came_from(&Place { ours: "/layers".into(), keras: pointer.into(), owner: String::new() });
    definition.insert("layers".into(), Value::Array(translated));
    if !is_chain {
        let keras = "/config/output_layers".to_owned();
        translator.came_from(&Place { ours: "/outputs".into(), keras, owner: String::new() });
        definition.insert("outputs".into(), json!(outputs));
        if has_masks && !translator.old && translator.errors.is_empty() {
            let runs = execution::runs(graph).map_err(|error| translator.errors.push(error)).ok()?;
            cleared_masks::clear(&mut definition, &runs, translator);
        }
    }
    Some(Value::Object(definition))
}

/// Sets the mask of a layer's output where it is not the one that ours gives by itself.
fn set_output_mask(ours: &mut Map<String, Value>, layer: &Value, translator: &Translator) {
    let kind = ours.get("type").and_then(Value::as_str).unwrap_or_default();
    if let Some(mask) = masks::output_mask(layer, kind, translator.old) {
        ours.insert("output_mask".to_owned(), mask.into());
    }
}

/// Whether each layer runs once, on the one before it or on `input`, and the last one alone is the output.
fn reads_in_order(input: &str, placed: &[Placed<'_>], outputs: &[String]) -> bool {
    let after = placed.iter().skip(1).zip(placed);
    let follows = |(layer, before): (&Placed<'_>, &Placed<'_>)| layer.inputs == [[before.name.clone()]];
    let first = placed.first().is_some_and(|layer| layer.inputs == [[input]]);
    first && after.into_iter().all(follows) && placed.last().is_some_and(|last| outputs == [last.name.clone()])
}

/// Arguments of a call that say how the layer works.
fn read_arguments(
    ours: &mut Map<String, Value>,
    arguments: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    for (name, value) in arguments {
        let attends = ours.get("type").is_some_and(|kind| {
            ["multi_head_attention", "attention", "additive_attention"].iter().any(|known| kind == known)
        });
        let images = channels::kind_of(ours)
            .is_some_and(|kind| kind.starts_with("random_") || ["resizing", "center_crop"].contains(&kind));
        match (name.as_str(), value) {
            ("use_causal_mask", Value::Bool(causal)) if attends => {
                ours.insert("use_causal_mask".into(), (*causal).into());
            }
            ("return_attention_scores", Value::Bool(scores)) if attends => {
                if *scores {
                    ours.insert("return_attention_scores".into(), true.into());
                }
            }
            // What their calls have where nothing is said, and a model's own mode overrides, if it matters.
            ("training", Value::Bool(true)) if images => {}
            ("training", Value::Bool(false)) if !images => stop_training(ours),
            ("training", Value::Bool(true)) if !differs_in_training(ours) => {}
            _ => {
                let place = Place { keras: format!("{}/inbound_nodes", place.keras), ..place.clone() };
                let value = describe(value);
                translator.refuse(&place, format_args!("the argument `{name}` is not honoured, received {value}"));
            }
        }
    }
}

/// A layer of Keras 2 that is called with `training=False`: nothing is dropped, and no statistics of a batch are taken.
fn stop_training(ours: &mut Map<String, Value>) {
    match ours.get("type").and_then(Value::as_str).unwrap_or_default() {
        "batch_normalization" => {
            ours.insert("training".to_owned(), false.into());
        }
        kind => {
            for rate in rates(kind) {
                ours.insert((*rate).to_owned(), 0.0.into());
            }
        }
    }
    for part in ["layer", "backward_layer"] {
        if let Some(inner) = ours.get_mut(part).and_then(Value::as_object_mut) {
            stop_training(inner);
        }
    }
}

/// The settings that say how much is random in training.
fn rates(kind: &str) -> &'static [&'static str] {
    match kind {
        "dropout" | "spatial_dropout1d" | "spatial_dropout2d" | "spatial_dropout3d" | "gaussian_dropout"
        | "alpha_dropout" => &["rate"],
        "gaussian_noise" => &["stddev"],
        "simple_rnn" | "lstm" | "gru" => &["dropout", "recurrent_dropout"],
        "multi_head_attention" | "attention" | "additive_attention" => &["dropout"],
        _ => &[],
    }
}

/// Whether a layer computes something else in training than at prediction.
fn differs_in_training(ours: &Map<String, Value>) -> bool {
    let kind = ours.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_random = |rate: &&str| ours.get(*rate).and_then(Value::as_f64).is_some_and(|rate| rate != 0.0);
    kind == "batch_normalization"
        || rates(kind).iter().any(is_random)
        || ["layer", "backward_layer"].iter().filter_map(|part| ours.get(*part)?.as_object()).any(differs_in_training)
}

fn freeze(ours: &mut Map<String, Value>, frozen: bool) {
    if frozen {
        ours.insert("trainable".into(), false.into());
    }
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

fn check_model(config: &Map<String, Value>, pointer: &str, translator: &mut Translator) {
    let at =
        |option: &str| Place { ours: String::new(), keras: format!("{pointer}/{option}"), owner: "the model: ".into() };
    let place = Place { ours: String::new(), keras: pointer.into(), owner: String::new() };
    check_fields(config, &MODEL_OPTIONS, &place, translator);
    if let Some(value) = config.get("trainable").filter(|value| !value.is_null() && !value.is_boolean()) {
        translator.refuse(&at("trainable"), format_args!("expected true or false, received {}", describe(value)));
    }
    if let Some(value) = config.get("dtype") {
        translator.data_type(value, &at("dtype"));
    }
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

pub(super) fn read_input(layer: &Value, place: &Place, translator: &mut Translator) {
    let Some(object) = translator.object(&INPUT, layer, place) else { return };
    let Some(class) = translator.class(&INPUT, object.class, place) else { return };
    if let Some(config) = object.config {
        let place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
        translator.settings(&INPUT, class, config, &place);
    }
}

/// A layer that stands where an operator cannot, or one that a single layer does.
pub(super) fn read_layer(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Map<String, Value>> {
    let mut steps = read_steps(layer, place, translator)?;
    match (steps.pop(), steps.is_empty()) {
        (Some(step), true) => Some(step.layer),
        _ if stacked_cells::is_stack(layer) => {
            let detail = "a stack of cells within another layer is not supported, expected an RNN of one cell, or a layer \
                          for each cell";
            translator.refuse(place, detail);
            None
        }
        _ => {
            translator
                .refuse(place, "expected an operator within a functional model, received one within a chain of layers");
            None
        }
    }
}

/// A layer as one of ours, or an operator as one or several.
fn read_steps(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Vec<Step>> {
    if is_operator(layer) {
        return operators::read(layer, place, translator);
    }
    if stacked_cells::is_stack(layer) {
        return stacked_cells::read(layer, place, translator);
    }
    read_class(layer, place, translator).map(|layer| vec![Step { layer, reads: None }])
}

/// A layer of one of Keras's classes.
pub(super) fn read_class(layer: &Value, place: &Place, translator: &mut Translator) -> Option<Map<String, Value>> {
    let object = translator.object(&LAYERS, layer, place)?;
    let config_place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
    translator.came_from(&config_place);
    let empty = Map::new();
    let config = object.config.unwrap_or(&empty);
    // An activation where its options make it one that is known here, else a layer of its own.
    let activation = ACTIVATION_LAYERS.classes.iter().find(|class| class.names.contains(&object.class));
    let is_activation = activation.is_some_and(|class| class.honours(config));
    let family = if is_activation { &ACTIVATION_LAYERS } else { &LAYERS };
    let class_place = Place { keras: format!("{}/class_name", place.keras), ..place.clone() };
    let class = translator.class(family, object.class, &class_place)?;
    let flips_both = || config.get("mode").is_none_or(|mode| *mode == augmentation::BOTH);
    if translator.old && class.kind == "random_flip" && flips_both() {
        let detail = "Keras 2 turns over in each direction by itself, which is not supported: expected a layer for \
                      `horizontal` and another for `vertical`, which do the same";
        translator.refuse(&Place { keras: format!("{}/mode", config_place.keras), ..place.clone() }, detail);
        return None;
    }
    let mut ours = Map::new();
    if let Some(name) = config.get("name").filter(|name| !name.is_null()) {
        let place = |token: &str| Place {
            ours: format!("{}/{token}", place.ours),
            keras: format!("{}/{token}", config_place.keras),
            owner: place.owner.clone(),
        };
        translator.came_from(&place("name"));
        ours.insert("name".into(), name.as_str().map_or_else(|| name.clone(), |name| calls::ours(name).into()));
    }
    if is_activation {
        let place = Place { ours: format!("{}/activation", place.ours), ..config_place };
        let settings = translator.settings(family, class, config, &place);
        ours.insert("type".into(), "activation".into());
        ours.insert("activation".into(), named(class.kind, settings));
    } else {
        parts::refuse_frozen_parts(config, &config_place, translator);
        ours.insert("type".into(), class.kind.into());
        residual::refuse_namesake(layer, class.kind, &class_place, translator);
        let channels_first = channels::are_first(config);
        let within = if channels_first { "/layer" } else { "" };
        let settings_place = Place { ours: format!("{}{within}", place.ours), ..config_place.clone() };
        ours.extend(translator.settings(family, class, config, &settings_place));
        if channels_first {
            ours = channels::put_first(ours);
        }
        if class.kind == "normalization" && !ours.contains_key("mean") && !ours.contains_key("variance") {
            let detail = "numbers that `adapt` found are weights and no part of the JSON: the mean is 0 and the variance 1, as in \
                          Keras; write `mean` and `variance` into the layer to scale by others";
            translator.warn("normalization_without_numbers", &config_place, detail);
            ours.insert("adapt".to_owned(), false.into());
        }
        if object.class == einsum::CLASS {
            einsum::complete(
                &mut ours,
                config,
                &Place { ours: place.ours.clone(), ..config_place.clone() },
                translator,
            );
        }
        if translator.old && class.kind == "batch_normalization" {
            // Keras 2 runs it fused where the input is an image or a volume.
            ours.insert("fused".into(), Value::Bool(true));
        }
        if recurrent::RNN.names.contains(&object.class) {
            recurrent::complete(
                &mut ours,
                config,
                &Place { ours: place.ours.clone(), ..config_place.clone() },
                translator,
            );
        }
        parts::forget_penalty(&mut ours, translator.old);
        parts::refuse_old_axes(class.kind, config, &config_place, translator);
    }
    Some(ours)
}
