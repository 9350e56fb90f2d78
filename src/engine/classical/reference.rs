//! `docs/MODELS.md`: all classical models with their settings, generated from the registry.

use super::ClassicalModel;
use crate::engine::{field, registry::Family};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Write};
use utoipa::ToSchema;

/// The whole document.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Classical models\n\nDefinitions of one model instead of `layers`: `{\"type\": \"random_forest\", \"n_estimators\": 200}`, \
         or its name alone, `\"random_forest\"`. \
         `cargo xtask generate` writes this page from the code. Names, defaults and numbers are scikit-learn 1.9's; the target \
         decides between classifier and regressor. A field that is not listed is refused. A field that is a number of \
         rows, features or samples reads an integer as a count, and a number with a point as a fraction: `1` is one, `1.0` is all.\n\n",
    );
    let mut schemas = Vec::new();
    ClassicalModel::schemas(&mut schemas);
    let schemas: BTreeMap<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default())).collect();
    let members = ClassicalModel::members();
    let links: Vec<String> = members.iter().map(|member| format!("[{0}](#{0})", member.name)).collect();
    text.push_str(&links.join(", "));
    text.push('\n');
    for (member, model) in members.iter().zip(ClassicalModel::every()) {
        let schema = serde_json::to_value(&member.settings).unwrap_or_default();
        let defaults = field::to_value(&model).ok().and_then(|it| it.as_object().cloned()).unwrap_or_default();
        section(&mut text, member.name, &model, &schema, &defaults, &schemas);
    }
    text
}

fn section(
    text: &mut String,
    name: &str,
    model: &ClassicalModel,
    schema: &Value,
    defaults: &Map<String, Value>,
    schemas: &BTreeMap<String, Value>,
) {
    let _ = write!(text, "\n## {name}\n\n{}\n\n", schema["description"].as_str().unwrap_or_default());
    let traits = model.traits();
    let targets = match (traits.classifies, traits.regresses) {
        (true, true) => "classes or numbers",
        (true, false) => "classes",
        _ => "numbers",
    };
    let _ = writeln!(
        text,
        "Target: {targets}. Numbers: {}. Missing values: {}. Categories: {}.",
        if traits.scaled { "on one scale" } else { "as they are" },
        if traits.missing { "accepted" } else { "filled first" },
        if traits.categories { "native" } else { "encoded first" },
    );
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        text.push_str("\nNo fields.\n");
        return;
    };
    text.push_str("\n| field | default | meaning |\n| --- | --- | --- |\n");
    for (field, property) in properties {
        let default = defaults.get(field).map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        let mut meaning = property["description"].as_str().unwrap_or_default().to_owned();
        if meaning.is_empty() {
            meaning = below(property, schemas)
                .find_map(|schema| schema["description"].as_str())
                .unwrap_or_default()
                .to_owned();
        }
        let names: Vec<String> = below(property, schemas)
            .filter_map(|schema| schema["enum"].as_array())
            .flatten()
            .filter_map(|name| name.as_str().map(|name| format!("`{name}`")))
            .filter(|name| !meaning.contains(name.as_str()))
            .collect();
        if !names.is_empty() {
            let _ = write!(meaning, " Names: {}.", names.join(", "));
        }
        let _ = writeln!(text, "| `{field}` | {default} | {} |", meaning.replace('\n', " ").replace('|', "\\|"));
    }
}

/// A schema, its alternatives, and those of what they refer to.
fn below<'a>(schema: &'a Value, schemas: &'a BTreeMap<String, Value>) -> impl Iterator<Item = &'a Value> {
    let mut found = vec![schema];
    let mut at = 0;
    while let Some(schema) = found.get(at).copied() {
        let referred = schema["$ref"].as_str().and_then(|path| schemas.get(path.rsplit('/').next()?));
        found.extend(referred);
        found.extend(["oneOf", "anyOf", "allOf"].iter().filter_map(|list| schema[*list].as_array()).flatten());
        at += 1;
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_the_generated_one() {
        let committed =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/MODELS.md")).unwrap_or_default();
        assert!(committed == markdown(), "docs/MODELS.md is out of date: run `cargo xtask generate`");
    }

    #[test]
    fn every_model_has_a_source_and_every_field_a_meaning() {
        let text = markdown();
        assert_eq!(text.matches("Source: <https://").count(), ClassicalModel::NAMES.len());
        let fields: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(fields.len() > 100, "only {} fields", fields.len());
        assert!(fields.iter().all(|field| !field.ends_with("|  |")), "a field has no meaning");
    }
}
