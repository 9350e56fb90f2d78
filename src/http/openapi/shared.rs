//! Settings that many objects have alike stand once, as components.

use super::schemas::SCHEMAS;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// How many characters of JSON a component must save.
const SAVED: usize = 500;

/// A number, or a list of one number, two or three.
const SIZES: [&str; 3] = ["OneSize", "TwoSizes", "ThreeSizes"];

const OF_SIZES: &str = "A number for every axis, or a list of a number an axis.";

/// Replaces what repeats among the components' properties by references to new components.
pub fn share(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let mut added = Map::new();
    for schema in schemas.values_mut() {
        properties(schema, &mut |_, property| name_sizes(property, &mut added));
    }
    let mut uses: HashMap<(String, String), usize> = HashMap::new();
    for schema in schemas.values_mut() {
        properties(schema, &mut |name, property| {
            *uses.entry((name.to_owned(), property.to_string())).or_default() += 1;
        });
    }
    let mut worth: Vec<_> = uses
        .into_iter()
        .map(|((name, schema), count)| (schema.len() * (count - 1), name, schema))
        .filter(|(saved, _, schema)| *saved >= SAVED && schema.len() > 80 && !schema.contains("unevaluatedProperties"))
        .collect();
    worth.sort_by(|a, b| b.cmp(a));
    let mut names: HashMap<(String, String), String> = HashMap::new();
    for (_, name, schema) in worth {
        let component = pascal(&name);
        if schemas.contains_key(&component) || added.contains_key(&component) {
            continue;
        }
        if let Ok(value) = serde_json::from_str(&schema) {
            added.insert(component.clone(), value);
            names.insert((name, schema), component);
        }
    }
    for schema in schemas.values_mut() {
        properties(schema, &mut |name, property| {
            if let Some(component) = names.get(&(name.to_owned(), property.to_string())) {
                *property = json!({"$ref": format!("{SCHEMAS}{component}")});
            }
        });
    }
    schemas.extend(added);
    schemas.sort_keys();
}

/// Visits every property of a schema and of the schemas in it, the inner ones first.
fn properties(schema: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    match schema {
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                match (name.as_str(), inner) {
                    ("example" | "examples" | "default" | "enum", _) => {}
                    ("properties", Value::Object(of)) => {
                        for (name, property) in of.iter_mut() {
                            properties(property, visit);
                            visit(name, property);
                        }
                    }
                    (_, inner) => properties(inner, visit),
                }
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| properties(schema, visit)),
        _ => {}
    }
}

/// Refers to a component of [`SIZES`] where a property is a number or a list of so many.
fn name_sizes(property: &mut Value, added: &mut Map<String, Value>) {
    let number = json!({"type": "integer", "minimum": 0, "maximum": i32::MAX});
    for (count, name) in (1..).zip(SIZES) {
        let list = json!({"type": "array", "items": number, "minItems": count, "maxItems": count});
        let forms = json!([number, list]);
        let Some(fields) = property.as_object_mut() else { return };
        if fields.get("anyOf") != Some(&forms) {
            continue;
        }
        fields.shift_remove("anyOf");
        if fields.get("description").is_some_and(|text| text == OF_SIZES) {
            fields.shift_remove("description");
        }
        fields.shift_insert(0, "$ref".to_owned(), Value::from(format!("{SCHEMAS}{name}")));
        added.insert(name.to_owned(), json!({"description": OF_SIZES, "anyOf": forms}));
    }
}

/// `kernel_size` as `KernelSize`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(word).collect()
}
