//! `docs/LAYERS.md`: every name that a definition or a training may use, written from the code.

use crate::engine::{
    activation::Activation, constraint::Constraint, init::Initializer, layer::AnyLayer, loss::Loss, metric::Measure,
    optimizer::Optimizer, regularizer::Regularizer,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The whole document.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Layers\n\nEvery layer of a definition, and after them the activations, initializers, regularizers, constraints, \
         losses, optimizers and metrics. `epoca layers` writes this page from the code. Names, defaults and arithmetic are \
         Keras's; where ours differ, the text says so. Every layer may also have a `name`, `inputs` (the names of what it \
         reads, where that is not the layer before it), `trainable`, and an `activity_regularizer`, a penalty on its output \
         divided by the rows of the batch. `output_mask` replaces the mask that a layer gives: `none`, or `all`, which shows a step where \
         the masks of all inputs that have one do, as the merging layers of Keras 2. Where a layer gives several values, `name` is the first of them and `name/1` the \
         second; where it runs several times, `name:1` is what it gives the second time. A loss's object may have a `reduction`: the rows' \
         losses become their sum divided by how many there are (`sum_over_batch_size`, where absent), their `sum`, or that divided by \
         what the rows weigh together (`mean_with_sample_weight`). Shapes are without surprises: the batch comes \
         first, channels last.\n\n",
    );
    let layers = AnyLayer::schemas();
    let links: Vec<String> = layers.iter().map(|(kind, _)| format!("[{kind}](#{kind})")).collect();
    text.push_str(&links.join(", "));
    text.push('\n');
    for (kind, schema) in layers {
        layer(&mut text, kind, &serde_json::to_value(schema).unwrap_or_default());
    }
    family(&mut text, "Activations", &Activation::every());
    family(&mut text, "Initializers", &Initializer::every());
    family(&mut text, "Regularizers", &Regularizer::every());
    family(&mut text, "Constraints", &Constraint::every());
    family(&mut text, "Losses", &Loss::every());
    family(&mut text, "Optimizers", &Optimizer::every());
    family(&mut text, "Metrics", &Measure::every());
    text
}

fn layer(text: &mut String, kind: &str, schema: &Value) {
    let description = schema["description"].as_str().unwrap_or_default().replace("# Shapes\n", "**Shapes.** ");
    let _ = write!(text, "\n## {kind}\n\n{description}\n");
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        text.push_str("\nNo fields.\n");
        return;
    };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let defaults = defaults(kind, &required);
    text.push_str("\n| field | default | meaning |\n| --- | --- | --- |\n");
    for (field, property) in properties {
        let default = match defaults.get(field) {
            _ if required.contains(&field.as_str()) => "required".to_owned(),
            Some(value) => format!("`{value}`"),
            None => "none".to_owned(),
        };
        let meaning = meaning(property).replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| `{field}` | {default} | {meaning} |");
    }
}

/// A field's description, which a reference or a choice may hold.
fn meaning(property: &Value) -> String {
    let own = property["description"].as_str();
    let choices = ["oneOf", "allOf"].iter().filter_map(|list| property[*list].as_array()).flatten();
    let below = choices.filter_map(|choice| choice["description"].as_str()).next();
    own.or(below).unwrap_or_default().to_owned()
}

/// The settings of a layer for which only what is required was given.
fn defaults(kind: &str, required: &[&str]) -> Map<String, Value> {
    let samples = [
        json!(2),
        json!(0.5),
        json!([2]),
        json!([1]),
        json!([[2, 2], [2, 2]]),
        json!("relu"),
        json!("abc->acb"),
        json!({"type": "lstm", "units": 2}),
        json!({"type": "dense", "units": 2}),
    ];
    let combinations = samples.len().pow(u32::try_from(required.len()).unwrap_or(u32::MAX).min(4));
    let read = |combination: usize| {
        let mut rest = combination;
        let mut settings = Map::new();
        for field in required {
            settings.insert((*field).to_owned(), samples[rest % samples.len()].clone());
            rest /= samples.len();
        }
        let layer = AnyLayer::read(kind, &Value::Object(settings)).ok().filter(|layer| layer.check().is_ok())?;
        super::field::to_value(&layer).ok()
    };
    match (0..combinations).find_map(read) {
        Some(Value::Object(settings)) => settings,
        _ => Map::new(),
    }
}

/// Every member's name, with its settings and their defaults.
fn family<T: Serialize>(text: &mut String, title: &str, members: &[T]) {
    let _ = write!(text, "\n# {title}\n\n| name | settings and their defaults |\n| --- | --- |\n");
    for member in members {
        let (name, settings) = match super::field::to_value(member).unwrap_or_default() {
            Value::Object(mut settings) => {
                let name = settings.shift_remove("type").unwrap_or_default();
                let settings: Vec<String> =
                    settings.iter().map(|(field, value)| format!("`{field}`: `{value}`")).collect();
                (name, settings.join(", "))
            }
            name => (name, String::new()),
        };
        let _ = writeln!(text, "| `{}` | {settings} |", name.as_str().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_the_generated_one() {
        let committed =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/LAYERS.md")).unwrap_or_default();
        assert!(committed == markdown(), "docs/LAYERS.md is out of date: run `cargo xtask generate`");
    }

    #[test]
    fn every_layer_shows_its_defaults() {
        for (kind, schema) in AnyLayer::schemas() {
            let schema = serde_json::to_value(schema).unwrap();
            assert!(
                schema["description"].as_str().is_some_and(|text| text.contains("# Shapes")),
                "`{kind}` has no shapes"
            );
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            assert!(!defaults(kind, &required).is_empty(), "`{kind}` cannot be read from samples of {required:?}");
        }
    }
}
