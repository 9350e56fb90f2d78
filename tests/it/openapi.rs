//! `openapi.yaml` is what the code serves.

use crate::support::Server;
use reqwest::{Client, Method};
use serde_json::Value;

#[test]
fn the_committed_file_is_the_generated_one() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml")).unwrap_or_default();
    let generated = epoca::http::openapi::yaml().unwrap();
    assert!(committed == generated, "openapi.yaml is out of date: run `cargo run -- openapi > openapi.yaml`");
}

#[tokio::test]
async fn documented_methods_are_served_and_no_others() {
    let server = Server::start().await;
    let client = Client::new();
    let document: Value = reqwest::get(format!("{}/openapi.json", server.url())).await.unwrap().json().await.unwrap();
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
            // Beside a path with a verb stands the thing itself, whose other methods are then told that no name has a colon.
            let beside_a_verb = path.contains(":predict") && status == 404;
            let is_served = status != 405 && !text.contains("no route") && !beside_a_verb;
            let is_documented = operations.get(method).is_some();
            assert!(
                is_served == is_documented || (beside_a_verb && is_documented && text.contains("no model")),
                "{method} {path}: {status} {text}"
            );
        }
    }
}

#[test]
fn every_request_and_every_error_has_an_example() {
    let document = serde_json::to_value(epoca::http::openapi::document()).unwrap();
    let has_example = |content: &Value| {
        content.as_object().is_some_and(|types| {
            !types.is_empty() && types.values().all(|of| of.get("example").is_some() || of.get("examples").is_some())
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
    let document = serde_json::to_value(epoca::http::openapi::document()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
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
