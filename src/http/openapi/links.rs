//! OpenAPI links: which operations take what an operation answers.

use serde_json::{Value, json};

/// An operation, its status, the operations that follow, and their parameters as places in the answer.
type Link = (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const DATASET: &[&str] = &["datasets_show", "datasets_rows", "datasets_delete"];
const MODEL: &[&str] = &["models_show", "models_versions", "models_predict", "models_delete"];
const VERSION: &[&str] = &["models_version", "models_predict_with_version", "models_weights"];
const JOB: &[&str] = &[
    "jobs_show",
    "jobs_events",
    "jobs_history",
    "jobs_curve",
    "jobs_patch",
    "jobs_pause",
    "jobs_resume",
    "jobs_finish",
    "jobs_cancel",
    "jobs_retry",
];

const LINKS: &[Link] = &[
    ("datasets_create", "201", DATASET, &[("dataset", "id")]),
    ("datasets_list", "200", DATASET, &[("dataset", "data/0/name")]),
    ("datasets_list", "200", &["datasets_list"], &[("after", "next")]),
    ("models_create", "201", MODEL, &[("model", "id")]),
    ("models_list", "200", MODEL, &[("model", "data/0/name")]),
    ("models_list", "200", &["models_list"], &[("after", "next")]),
    ("models_show", "200", VERSION, &[("model", "id"), ("version", "latest_version")]),
    ("models_versions", "200", VERSION, &[("model", "data/0/model"), ("version", "data/0/version")]),
    ("models_version", "200", &["models_predict_with_version"], &[("model", "model"), ("version", "version")]),
    ("jobs_create", "202", JOB, &[("job", "id")]),
    ("jobs_list", "200", JOB, &[("job", "data/0/id")]),
    ("jobs_pause", "200", &["jobs_resume", "jobs_finish", "jobs_cancel"], &[("job", "id")]),
    ("jobs_cancel", "200", &["jobs_retry"], &[("job", "id")]),
    ("jobs_retry", "202", JOB, &[("job", "id")]),
    ("jobs_list", "200", &["jobs_list"], &[("after", "next")]),
    ("jobs_show", "200", VERSION, &[("model", "model"), ("version", "version")]),
];

/// Adds the links to the answers of the document.
pub fn add(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        for (from, status, targets, places) in LINKS {
            if operation["operationId"] != *from {
                continue;
            }
            for target in *targets {
                let parameters: serde_json::Map<String, Value> = places
                    .iter()
                    .map(|(name, place)| ((*name).to_owned(), json!(format!("$response.body#/{place}"))))
                    .collect();
                operation["responses"][*status]["links"][*target] =
                    json!({"operationId": target, "parameters": parameters});
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_between_operations_with_these_parameters() {
        let document = crate::http::routes::document().unwrap();
        let items = document.value()["paths"].as_object().unwrap().values();
        let operations: Vec<&Value> = items.flat_map(|item| item.as_object().unwrap().values()).collect();
        let of = |id: &str| *operations.iter().find(|operation| operation["operationId"] == id).unwrap();
        for (from, status, targets, places) in LINKS {
            let links = of(from)["responses"][*status]["links"].as_object().unwrap();
            for target in *targets {
                assert!(links.contains_key(*target), "{from} {status} {target}");
                let parameters = of(target)["parameters"].as_array().unwrap();
                let resolved = |known: &Value| match known["$ref"].as_str() {
                    Some(reference) => document.value().pointer(&reference[1..]).unwrap().clone(),
                    None => known.clone(),
                };
                for (name, _) in *places {
                    assert!(parameters.iter().any(|known| resolved(known)["name"] == *name), "{target} has no {name}");
                }
            }
        }
    }
}
