//! `docs/LAYERS.md`: all names and settings of definitions and training, generated from the registries.

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
        "# Layers\n\nThe layers of a definition, then the activations, initializers, regularizers, constraints, losses, \
         optimizers and metrics. `epoca layers` writes this page from the code. Names, defaults and arithmetic are Keras's; \
         differences are named. Shapes are batch-first, channels-last.\n\n\
         Every layer may also have these fields:\n\n\
         * `name`: unique within the model. Default: the type, with `_1`, `_2` and so on for further layers of that type.\n\
         * `inputs`: names of inputs of the model and of layers. Default: the layer before it. A list of lists calls the layer \
         once for each, with shared weights. `name:1` is the output of the second call, `name/1` the second output of a layer \
         with several.\n\
         * `trainable`: whether its weights are trained. Default: `true`.\n\
         * `activity_regularizer`: regularizer of the output, divided by the batch size.\n\
         * `output_mask`: the mask of the output: `none`, or `all`, where a step is masked if any input masks it, as in the \
         merging layers of Keras 2. Default: that of the layer.\n\n\
         A loss may have a `reduction`: the weighted sum of the rows' losses divided by the number of rows \
         (`sum_over_batch_size`, the default), not divided (`sum`), or divided by the sum of the weights \
         (`mean_with_sample_weight`).\n\n",
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

/// The description of a field, or of its first alternative.
fn meaning(property: &Value) -> String {
    let own = property["description"].as_str();
    let choices = ["oneOf", "allOf"].iter().filter_map(|list| property[*list].as_array()).flatten();
    let below = choices.filter_map(|choice| choice["description"].as_str()).next();
    own.or(below).unwrap_or_default().to_owned()
}

/// The settings of a layer with example values for the required fields. An error points at the field that needs another
/// example.
fn defaults(kind: &str, required: &[&str]) -> Map<String, Value> {
    let examples = [
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
    let mut chosen = vec![0; required.len()];
    loop {
        let settings =
            required.iter().zip(&chosen).map(|(field, &example)| ((*field).to_owned(), examples[example].clone()));
        let layer = AnyLayer::read(kind, &Value::Object(settings.collect()));
        let error = match layer.and_then(|layer| layer.check().map(|()| layer)) {
            Ok(layer) => {
                return super::field::to_value(&layer).ok().and_then(|it| it.as_object().cloned()).unwrap_or_default();
            }
            Err(error) => error,
        };
        let wrong = error.pointer.split('/').nth(1);
        match required.iter().position(|field| Some(*field) == wrong) {
            Some(field) if chosen[field] + 1 < examples.len() => chosen[field] += 1,
            _ => return Map::new(),
        }
    }
}

/// A table of all members with their settings and defaults.
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
            assert!(!defaults(kind, &required).is_empty(), "no examples for {required:?} of `{kind}`");
        }
    }
}
