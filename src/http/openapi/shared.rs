//! Settings that many objects have in common become components.

use super::schemas::SCHEMAS;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// How many characters of JSON a component must save.
const SAVED: usize = 120;

/// Settings that several layers have alike.
const GROUPS: [(&str, &[&str]); 5] = [
    ("KernelSettings", &["kernel_constraint", "kernel_initializer", "kernel_regularizer"]),
    ("BiasSettings", &["bias_constraint", "bias_initializer", "bias_regularizer", "use_bias"]),
    (
        "RecurrentSettings",
        &[
            "go_backwards",
            "recurrent_constraint",
            "recurrent_initializer",
            "recurrent_regularizer",
            "return_sequences",
            "seed",
            "use_mask",
            "zero_output_for_mask",
        ],
    ),
    (
        "ScaleSettings",
        &[
            "beta_constraint",
            "beta_initializer",
            "beta_regularizer",
            "center",
            "epsilon",
            "gamma_constraint",
            "gamma_initializer",
            "gamma_regularizer",
            "scale",
        ],
    ),
    ("CellSettings", &["dropout", "recurrent_dropout", "units"]),
];

/// Components of fewer characters of JSON that have one use are put in its place.
const INLINED: usize = 330;

/// Settings that are alike for all weights, by the end of their names.
const OF_WEIGHTS: [(&str, &str); 3] =
    [("_initializer", "Initializer"), ("_regularizer", "Regularizer"), ("_constraint", "Constraint")];

/// A number, or a list of one number, two or three.
const SIZES: [&str; 3] = ["OneSize", "TwoSizes", "ThreeSizes"];

const OF_SIZES: &str = "One number, or one per axis.";

/// Replaces what repeats among the components' properties by references to new components.
pub fn share(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let mut added = Map::new();
    for schema in schemas.values_mut() {
        properties(schema, &mut |name, property| {
            name_sizes(property, &mut added);
            name_optional(name, property, &mut added);
        });
    }
    for schema in schemas.values_mut() {
        share_groups(schema, &mut added);
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
        .filter(|(saved, _, schema)| *saved >= SAVED && schema.len() > 70 && !schema.contains("unevaluatedProperties"))
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
    if let Some(layers) = schemas.get_mut("LayerSettings") {
        share_families(layers, &mut added);
    }
    for (component, schema) in schemas.iter_mut() {
        share_names(component, schema, &mut added);
    }
    schemas.extend(added);
    describe_once(schemas, "TrainingRequest", "Training");
    inline_single_uses(document);
    share_parameters(document);
}

/// Replaces parameters that several operations have by references to components.
fn share_parameters(document: &mut Value) {
    let mut uses: HashMap<String, (Value, usize)> = HashMap::new();
    parameters(document, &mut |parameter| {
        uses.entry(parameter.to_string()).or_insert_with(|| (parameter.clone(), 0)).1 += 1;
    });
    let mut shared: Vec<(String, Value)> = uses
        .into_values()
        .filter(|(_, count)| *count > 1)
        .map(|(parameter, _)| (component_name(&parameter), parameter))
        .collect();
    shared.sort_by_key(|(name, parameter)| (name.clone(), parameter.to_string()));
    // Of two parameters with one name, the second stays where it is.
    shared.dedup_by(|later, first| later.0 == first.0);
    parameters(document, &mut |parameter| {
        if let Some((name, _)) = shared.iter().find(|(_, of)| of == parameter) {
            *parameter = json!({"$ref": format!("#/components/parameters/{name}")});
        }
    });
    document["components"]["parameters"] = Value::Object(shared.into_iter().collect());
}

fn component_name(parameter: &Value) -> String {
    pascal(&parameter["name"].as_str().unwrap_or_default().replace('-', "_"))
}

/// Visits the parameters of every operation.
fn parameters(document: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let paths = document["paths"].as_object_mut();
    let operations = paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut);
    for operation in operations.flat_map(|path| path.values_mut()) {
        operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten().for_each(&mut *visit);
    }
}

/// Leaves descriptions out of `answer` that its `request` has too.
fn describe_once(schemas: &mut Map<String, Value>, request: &str, answer: &str) {
    let described = schemas.get(request).and_then(|schema| schema["properties"].as_object()).cloned();
    let answered = schemas.get_mut(answer).and_then(|schema| schema["properties"].as_object_mut());
    for (name, property) in answered.into_iter().flatten() {
        if described.as_ref().is_some_and(|described| described.contains_key(name))
            && let Some(fields) = property.as_object_mut()
        {
            fields.shift_remove("description");
        }
    }
}

/// Puts small components that have one use in its place.
fn inline_single_uses(document: &mut Value) {
    let mut uses = HashMap::new();
    references(document, &mut |reference| {
        if let Some(name) = reference.get("$ref").and_then(Value::as_str) {
            *uses.entry(name.to_owned()).or_insert(0) += 1;
        }
    });
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let is_small = |schema: &Value| schema.get("properties").is_none() && schema.to_string().len() < INLINED;
    let mut inlined: HashMap<String, Map<String, Value>> = HashMap::new();
    schemas.retain(|name, schema| {
        let reference = format!("{SCHEMAS}{name}");
        let is_inlined = uses.get(&reference) == Some(&1) && (is_small(schema) || name.starts_with("List_"));
        if is_inlined && let Some(fields) = schema.as_object() {
            inlined.insert(reference, fields.clone());
        }
        !is_inlined
    });
    schemas.sort_keys();
    let mut replace = |fields: &mut Map<String, Value>| {
        while let Some(schema) = fields.get("$ref").and_then(Value::as_str).and_then(|name| inlined.remove(name)) {
            fields.shift_remove("$ref");
            let own = std::mem::take(fields);
            fields.extend(schema);
            fields.extend(own);
        }
    };
    // An inlined schema may refer to another one: the outer is replaced first.
    references(document, &mut replace);
}

/// Visits every object that may be a reference, the outer ones first.
fn references(value: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            fields.values_mut().for_each(|inner| references(inner, visit));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| references(value, visit)),
        _ => {}
    }
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
        fields.shift_remove("description");
        fields.shift_insert(0, "$ref".to_owned(), Value::from(format!("{SCHEMAS}{name}")));
        added.insert(name.to_owned(), json!({"description": OF_SIZES, "anyOf": forms}));
    }
}

/// Refers to the components of [`GROUPS`] in place of their properties.
fn share_groups(schema: &mut Value, added: &mut Map<String, Value>) {
    match schema {
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                if !matches!(name.as_str(), "example" | "examples" | "default" | "enum") {
                    share_groups(inner, added);
                }
            }
            // A closed object would not see the properties of the component.
            if fields.contains_key("additionalProperties") {
                return;
            }
            for (component, names) in GROUPS {
                let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) else { return };
                let group: Map<String, Value> = names
                    .iter()
                    .filter_map(|name| Some(((*name).to_owned(), properties.get(*name)?.clone())))
                    .collect();
                if group.len() != names.len() {
                    continue;
                }
                let group = json!({"type": "object", "properties": group});
                if *added.entry(component).or_insert_with(|| group.clone()) != group {
                    continue;
                }
                names.iter().for_each(|name| drop(properties.shift_remove(*name)));
                let parts = fields.entry("allOf").or_insert_with(|| json!([]));
                if let Some(parts) = parts.as_array_mut() {
                    parts.push(json!({"$ref": format!("{SCHEMAS}{component}")}));
                }
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| share_groups(schema, added)),
        _ => {}
    }
}

/// Refers to one component for what the layers of a family have in common: those whose types differ only in the number
/// of axes, such as `conv1d` and `conv2d`.
fn share_families(layers: &mut Value, added: &mut Map<String, Value>) {
    let Some(Value::Array(forms)) = layers.get_mut("anyOf") else { return };
    let mut families: HashMap<String, Vec<&mut Map<String, Value>>> = HashMap::new();
    for form in forms.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(family) = form["properties"].as_object().and_then(|properties| family(&properties["type"])) {
            families.entry(family).or_default().push(form);
        }
    }
    for (family, mut members) in families {
        let [first, others @ ..] = members.as_slice() else { continue };
        let is_common = |part: &str, name: &str, value: &Value| {
            others.iter().all(|other| other.get(part).and_then(|part| part.get(name)) == Some(value))
        };
        let mut common = first["properties"].as_object().cloned().unwrap_or_default();
        common.retain(|name, property| is_common("properties", name, property));
        let alike = |name: &str| others.iter().all(|other| other.get(name) == first.get(name));
        if others.is_empty()
            || common.is_empty()
            || !["description", "required", "allOf"].iter().all(|name| alike(name))
        {
            continue;
        }
        let mut component = Map::from_iter([("type".to_owned(), json!("object"))]);
        let required = first.get("required").and_then(Value::as_array).into_iter().flatten();
        let (required, own): (Vec<Value>, Vec<Value>) =
            required.cloned().partition(|name| name.as_str().is_some_and(|name| common.contains_key(name)));
        component.extend(["description", "allOf"].iter().filter_map(|name| first.get_key_value(*name)).map(cloned));
        if !required.is_empty() {
            component.insert("required".to_owned(), required.into());
        }
        component.insert("properties".to_owned(), common.clone().into());
        let name = format!("{}Settings", pascal(&family));
        for member in &mut members {
            member.shift_remove("description");
            member.insert("required".to_owned(), own.clone().into());
            if let Some(properties) = member.get_mut("properties").and_then(Value::as_object_mut) {
                properties.retain(|name, _| !common.contains_key(name));
            }
            member.insert("allOf".to_owned(), json!([{"$ref": format!("{SCHEMAS}{name}")}]));
        }
        added.insert(name, component.into());
    }
}

/// Refers to one component for the names of a family: those that may stand alone, and in the place of `type`.
fn share_names(component: &str, schema: &mut Value, added: &mut Map<String, Value>) {
    let Some(Value::Array(forms)) = schema.get_mut("anyOf") else { return };
    let [names, settings, ..] = forms.as_mut_slice() else { return };
    let (Some(all), Some(some)) = (names["enum"].as_array(), settings["properties"]["type"]["enum"].as_array()) else {
        return;
    };
    let has_settings = settings["properties"].as_object().is_some_and(|properties| properties.len() > 2);
    if has_settings || !some.iter().all(|name| all.contains(name)) {
        return;
    }
    let reference = json!({"$ref": format!("{SCHEMAS}{component}Name")});
    settings["properties"]["type"] = reference.clone();
    added.insert(format!("{component}Name"), std::mem::replace(names, reference));
}

fn cloned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// `conv` for a layer's type of `conv1d`; nothing for a type without a number of axes.
fn family(kind: &Value) -> Option<String> {
    let kind = kind.get("const").or(kind["enum"].get(0))?.as_str()?;
    let family = ["1d", "2d", "3d"].iter().fold(kind.to_owned(), |kind, axes| kind.replace(axes, ""));
    (family != kind).then_some(family)
}

/// Refers to one component for the constraints, and one for the regularizers, of all weights: the names say which.
fn name_optional(name: &str, property: &mut Value, added: &mut Map<String, Value>) {
    let Some((_, of)) = OF_WEIGHTS.iter().find(|(end, _)| name.ends_with(end) && name != "activity_regularizer") else {
        return;
    };
    let Some(fields) = property.as_object_mut() else { return };
    fields.shift_remove("description");
    let Some(Value::Array(forms)) = fields.get("anyOf") else { return };
    let reference = format!("{SCHEMAS}{of}");
    if forms.len() != 2 || !forms.iter().any(|form| form["$ref"] == reference) {
        return;
    }
    let component = format!("Optional{of}");
    added.insert(component.clone(), json!({"anyOf": [{"$ref": reference}, {"type": "null"}]}));
    fields.shift_remove("anyOf");
    fields.shift_remove("default");
    fields.shift_insert(0, "$ref".to_owned(), Value::from(format!("{SCHEMAS}{component}")));
}

/// `kernel_size` as `KernelSize`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(word).collect()
}
