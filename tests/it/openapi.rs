//! `openapi.yaml` is what the code serves.

use crate::support::Client;
use crate::support::{Server, contract};
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn the_committed_file_is_the_generated_one() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml")).unwrap_or_default();
    let generated = epoca::http::routes::document().unwrap().yaml();
    assert!(committed.as_bytes() == generated, "openapi.yaml is out of date: run `cargo xtask generate`");
}

#[tokio::test]
async fn documented_methods_are_served_and_no_others() {
    let server = Server::start().await;
    let client = Client::new();
    let document: Value =
        crate::support::get(format!("{}/openapi.json", server.url())).await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15);
    for (path, operations) in paths {
        let url = path.replace("{job}", "01890000-0000-7000-8000-000000000000").replace("{version}", "1");
        let url = url.replace("{dataset}", "none").replace("{model}", "none").replace("{file}", "none");
        for method in ["get", "post", "put", "patch", "delete"] {
            let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = client.request(verb, format!("{}{url}", server.url())).send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            let is_served = status != 405 && !text.contains("no route");
            let is_documented = operations.get(method).is_some();
            assert_eq!(is_served, is_documented, "{method} {path}: {status} {text}");
        }
    }
}

#[test]
fn every_request_and_every_error_has_an_example() {
    let document = contract::document();
    let has_example = |content: &Value| {
        content.as_object().is_some_and(|types| {
            let has_example = |of: &Value| of.get("example").is_some() || of.get("examples").is_some();
            // a file that is no text cannot be shown
            !types.is_empty() && types.values().all(|of| has_example(of) || of["schema"]["format"] == "binary")
        })
    };
    let mut seen = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if let Some(body) = operation.get("requestBody") {
                seen.0 += 1;
                assert!(has_example(&body["content"]), "{method} {path} has a request without an example");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.as_str() < "400" {
                    continue;
                }
                seen.1 += 1;
                let reference = response["$ref"].as_str().unwrap_or_default();
                let response = document.pointer(reference.trim_start_matches('#')).unwrap_or(response);
                assert!(has_example(&response["content"]), "{method} {path} {status} has no example");
            }
        }
    }
    assert!(seen.0 >= 5 && seen.1 > 60, "{seen:?}");
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_id() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = contract::document();
    let mut found = Vec::new();
    references(document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} is not there");
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut ids: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn every_example_is_valid() {
    let (mut examples, mut wrong) = (0, Vec::new());
    let mut check = |pointer: &str, content: &Value| {
        for (media_type, of) in content.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("json")) {
            let named = of["examples"].as_object().into_iter().flat_map(|examples| examples.values());
            for example in named.map(|example| &example["value"]).chain(of.get("example")) {
                examples += 1;
                let schema = format!("{pointer}/content/{}/schema", contract::escape(media_type));
                wrong.extend(contract::validate(&schema, example).err());
            }
        }
    };
    let document = contract::document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let pointer = format!("/paths/{}/{method}", contract::escape(path));
            check(&format!("{pointer}/requestBody"), &operation["requestBody"]["content"]);
            for (status, response) in operation["responses"].as_object().unwrap() {
                let (reference, response) = contract::resolved(response);
                let own = format!("{pointer}/responses/{status}");
                check(reference.unwrap_or(&own), &response["content"]);
            }
        }
    }
    assert!(examples > 60, "{examples}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_valid_is_refused_by_the_schema_too() {
    let model = "/components/schemas/ModelRequest";
    let of = |layer: Value| json!({"name": "m", "definition": {"layers": [layer]}});
    for layer in [
        json!({"type": "Dense", "units": 1}),
        json!({"type": "dense"}),
        json!({"type": "dense", "units": 1, "unit": 1}),
        json!({"type": "time_distributed", "layer": {"type": "dense", "units": 1, "unit": 1}}),
    ] {
        contract::validate(model, &of(layer.clone())).expect_err(&layer.to_string());
    }
    contract::validate(model, &of(json!({"type": "dense", "units": 1, "name": "d", "trainable": false}))).unwrap();
}

/// Other clients would not be checked against the contract.
#[test]
fn tests_send_through_the_client_of_the_support() {
    let (mut folders, mut files) = (vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it").into()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("support/http.rs") && !path.ends_with("openapi.rs") {
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                let own = text.contains("reqwest::get(") || text.contains("reqwest::Client");
                assert!(!own, "{}: use support::{{Client, get}} instead of reqwest's", path.display());
            }
        }
    }
    assert!(files > 30, "{files}");
}
