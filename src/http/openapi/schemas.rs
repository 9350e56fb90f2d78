//! Rewrites of derived schemas.

use serde_json::{Map, Value, json};

pub(super) const SCHEMAS: &str = "#/components/schemas/";

/// Rewrites every schema of the document.
///
/// - Alternatives are `anyOf`: an answer may satisfy several.
/// - Combined objects (`allOf`) refuse fields that no part knows, as the service does.
/// - A component that is inline becomes a reference.
/// - A description is the first sentence of the documentation; docs/LAYERS.md has the rest.
pub fn rewrite(document: &mut Value) {
    let known: Vec<(String, Value)> = match document["components"]["schemas"].as_object() {
        Some(schemas) => schemas
            .iter()
            .filter(|(_, schema)| schema.get("properties").is_some() || schema.get("oneOf").is_some())
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .collect(),
        None => Vec::new(),
    };
    each(document, false, &known);
}

/// `is_component`: whether `value` is a component itself, which is not replaced by a reference to it.
fn each(value: &mut Value, is_component: bool, known: &[(String, Value)]) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| each(value, false, known)),
        Value::Object(fields) => {
            if !is_component && let Some(reference) = component(fields, known) {
                *value = reference;
                return;
            }
            let holds_components = fields.contains_key("schemas") && fields.contains_key("responses");
            for (name, inner) in fields.iter_mut() {
                match (name.as_str(), inner) {
                    ("example" | "examples", _) => {}
                    ("schemas", Value::Object(schemas)) if holds_components => {
                        schemas.values_mut().for_each(|schema| each(schema, true, known));
                    }
                    (_, inner) => each(inner, false, known),
                }
            }
            rewrite_schema(fields);
        }
        _ => {}
    }
}

fn component(fields: &Map<String, Value>, known: &[(String, Value)]) -> Option<Value> {
    if !fields.contains_key("properties") && !fields.contains_key("oneOf") {
        return None;
    }
    let (name, _) = known.iter().find(|(_, schema)| schema.as_object() == Some(fields))?;
    Some(json!({"$ref": format!("{SCHEMAS}{name}")}))
}

fn rewrite_schema(fields: &mut Map<String, Value>) {
    if fields.contains_key("in") && fields.contains_key("schema") {
        forbid_null(&mut fields["schema"]);
        if fields.get("required") == Some(&json!(false)) {
            fields.shift_remove("required");
        }
    }
    let is_operation = fields.contains_key("operationId");
    if let Some(Value::String(description)) = fields.get_mut("description") {
        *description = if is_operation { description.replace('\n', " ") } else { first_sentence(description) };
    }
    if fields.contains_key("type") && fields.get("default") == Some(&Value::Null) {
        fields.shift_remove("default");
    }
    if matches!(fields.get("format").and_then(Value::as_str), Some("double" | "float")) {
        fields.shift_remove("format");
    }
    if let Some(forms) = fields.shift_remove("oneOf") {
        fields.insert("anyOf".to_owned(), flat(forms));
    }
    // An enumeration of one value is that value.
    if fields.get("type").is_some_and(|kind| kind == "string")
        && let Some([value]) = fields.get("enum").and_then(Value::as_array).map(Vec::as_slice)
    {
        let value = value.clone();
        fields.shift_remove("type");
        fields.shift_remove("enum");
        fields.insert("const".to_owned(), value);
    }
    if fields.contains_key("allOf") {
        fields.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    let layer = fields.get_mut("properties").and_then(|properties| properties.as_object_mut());
    for property in layer.into_iter().flat_map(|properties| properties.values_mut()) {
        close_layers(property);
    }
}

/// The first sentence of a documentation, on one line, without its full stop.
fn first_sentence(text: &str) -> String {
    let text = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let starts_sentence = |rest: &str| rest.starts_with(|letter: char| letter.is_uppercase() || letter == '`');
    let end = text.match_indices(". ").find(|(at, stop)| starts_sentence(&text[at + stop.len()..]));
    let first = end.map_or(text.as_str(), |(at, _)| &text[..at]);
    without_links(first.trim_end_matches('.'))
}

/// Text with the names that Rust's documentation links to alone: `` [`super::Dice`] `` as `` `Dice` ``.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, linked)) = rest.split_once("[`")
        && let Some((path, after)) = linked.split_once("`]")
    {
        let name = path.rsplit("::").next().unwrap_or(path);
        plain.push_str(&format!("{before}`{name}`"));
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

/// A parameter is absent, not null.
fn forbid_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    if let Some(Value::Array(forms)) = schema.get_mut("anyOf") {
        forms.retain(|form| form["type"] != "null");
        if let [one] = forms.as_slice() {
            *schema = one.clone();
        }
    }
}

/// Alternatives of alternatives are alternatives.
fn flat(forms: Value) -> Value {
    let Value::Array(forms) = forms else { return forms };
    let mut all = Vec::new();
    for mut form in forms {
        let only_alternatives =
            form.as_object().is_some_and(|form| form.keys().all(|key| key == "anyOf" || key == "description"));
        match form.get_mut("anyOf").map(Value::take) {
            Some(Value::Array(inner)) if only_alternatives => all.extend(inner),
            Some(inner) => {
                form["anyOf"] = inner;
                all.push(form);
            }
            None => all.push(form),
        }
    }
    Value::Array(all)
}

/// A layer within a layer knows its own settings alone.
fn close_layers(property: &mut Value) {
    let forms = match property.get_mut("anyOf") {
        Some(Value::Array(forms)) => forms.iter_mut().collect(),
        _ => vec![property],
    };
    for form in forms {
        if form["$ref"] == format!("{SCHEMAS}LayerSettings") {
            form["unevaluatedProperties"] = json!(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        data::weights::ClassWeight,
        engine::{classical::ClassicalModel, metric::Metric},
        job::{Job, resolve::JobRequest, training::TrainingRequest},
    };
    use std::collections::BTreeMap;
    use utoipa::{PartialSchema, ToSchema};

    #[test]
    fn types_of_one_name_have_one_schema() {
        let mut schemas = vec![
            (<Metric as ToSchema>::name().into_owned(), Metric::schema()),
            (<ClassWeight as ToSchema>::name().into_owned(), ClassWeight::schema()),
        ];
        ClassicalModel::schemas(&mut schemas);
        TrainingRequest::schemas(&mut schemas);
        JobRequest::schemas(&mut schemas);
        Job::schemas(&mut schemas);
        let mut known = BTreeMap::new();
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).unwrap();
            if let Some(other) = known.insert(name.clone(), schema.clone()) {
                assert_eq!(other, schema, "{name}");
            }
        }
        assert!(known.contains_key("NeighborMetric") && known.contains_key("BoostingEarlyStopping"), "{known:?}");
    }
}
