//! Models into our own form: plain chains of layers, and graphs.

use super::{
    arguments, chain, cleared_masks, each_step, execution,
    graph::{Graph, Placed, UNNAMED_INPUT},
    inputs::{batch_shape, sample_shape},
    json::{describe, is_operator, model_within, name_of, our_name, owner_of},
    layer::read_input,
    model_fields::{DOCUMENT_FIELDS, check_fields, check_model, checked_layers},
    operators::{self, Step},
    place::Place,
    recorded_masks::RecordedMask,
    recurrent, stacked_cells,
    steps::{freeze, read_steps, set_output_mask},
    translator::Translator,
};
use crate::engine::field::FieldError;
use serde_json::{Map, Value, json};

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
        return chain::translate(config, layers, pointer, translator);
    }
    let graph = Graph::read(functional, config, layers, pointer, translator)?;
    graph.check_inputs(translator);
    let outcome = graph.placed().and_then(|placed| Ok((placed, graph.outputs()?)));
    let (placed, outputs) = outcome.map_err(|error| translator.errors.push(error)).ok()?;
    from_graph(&graph, placed, outputs, pointer, translator)
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
    let input = inputs.first().map_or_else(|| UNNAMED_INPUT.to_owned(), |(layer, _)| our_name(&name_of(layer, 0)));
    let is_chain = inputs.len() <= 1
        && reads_in_order(&input, &placed, &outputs)
        && !placed.iter().any(|placed| operators::is_several(placed.layer) || recurrent::is_several(placed.layer));
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
            definition.insert("inputs".into(), graph.named_inputs(translator)?);
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
                translator.masks.push(RecordedMask { layer: name.clone(), place: place.clone(), given: given.clone() });
            }
            if placed.steps > 0 {
                if has_masks && translator.old {
                    translator
                        .refuse(&place, "expected no masks beside a model of Keras 2 on each step, received some");
                }
                ours = each_step::wrap(ours, placed.steps, &place, translator);
            }
            if has_masks && placed.steps == 0 {
                set_output_mask(&mut ours, placed.layer, translator);
            }
            if has_masks && !translator.old {
                recurrent::drop_masks(&mut ours, &read, &placed.masked, &place, translator);
            }
            ours.insert("name".into(), name.into());
            if !is_operator(placed.layer) {
                arguments::read(&mut ours, &placed.arguments, &place, translator);
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

/// Whether each layer runs once, on the one before it or on `input`, and the last one alone is the output.
fn reads_in_order(input: &str, placed: &[Placed<'_>], outputs: &[String]) -> bool {
    let after = placed.iter().skip(1).zip(placed);
    let follows = |(layer, before): (&Placed<'_>, &Placed<'_>)| layer.inputs == [[before.name.clone()]];
    let first = placed.first().is_some_and(|layer| layer.inputs == [[input]]);
    first && after.into_iter().all(follows) && placed.last().is_some_and(|last| outputs == [last.name.clone()])
}
