//! The whole story: a table, a model, a job, its events, a prediction.

use crate::support::Client;
use crate::support::{Server, client::Events};
use reqwest::StatusCode;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");

#[tokio::test]
async fn from_a_table_to_a_prediction() {
    let server = Server::start().await;
    let client = Client::new();
    let url = server.url();

    let answer = client
        .post(format!("{url}/v1/datasets?name=iris"))
        .header("content-type", "text/csv")
        .body(IRIS)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let dataset: Value = answer.json().await.unwrap();
    assert_eq!((&dataset["rows"], &dataset["bytes"]), (&json!(150), &json!(IRIS.len())));
    assert_eq!(location, format!("/v1/datasets/{}", dataset["id"].as_str().unwrap()));
    for key in [dataset["id"].as_str().unwrap(), "iris"] {
        let again: Value = client.get(format!("{url}/v1/datasets/{key}")).send().await.unwrap().json().await.unwrap();
        assert_eq!(again, dataset);
    }

    let model = json!({"name": "iris-mlp", "definition": {"layers": [
        {"type": "dense", "units": 16, "activation": "relu"}, {"type": "dense", "units": 3, "activation": "softmax"}]}});
    let answer = client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());

    let job = json!({"model": "iris-mlp", "dataset": "iris", "target": "species",
                     "training": {"epochs": 20, "batch_size": 16, "validation_split": 0.2, "seed": 7}});
    let answer = client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let job: Value = answer.json().await.unwrap();
    assert!(job["training"]["loss"].to_string().contains("sparse_categorical_crossentropy"), "{job:#}");
    let id = job["id"].as_str().unwrap();

    let events = Events::open(url, id, None).await.kept().await;
    let ids: Vec<u64> = events.iter().filter_map(|event| event.id).collect();
    assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!(events.iter().filter(|event| event.name == "epoch").count(), 20);
    let last: Value = serde_json::from_str(&events.last().unwrap().data).unwrap();
    assert_eq!(last["data"]["status"], "succeeded");

    let ended: Value = client.get(format!("{url}/v1/jobs/{id}")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&ended["status"], &ended["version"]), (&json!("succeeded"), &json!(1)), "{ended:#}");
    let version: Value =
        client.get(format!("{url}/v1/models/iris-mlp/versions/1")).send().await.unwrap().json().await.unwrap();
    assert_eq!(version["job"], id);
    let model: Value = client.get(format!("{url}/v1/models/iris-mlp")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&model["latest_version"], &model["summary"]["parameters"]), (&json!(1), &json!(131)), "{model:#}");

    let instances = json!({"instances": [[5.1, 3.5, 1.4, 0.2]]});
    let answer = client.post(format!("{url}/v1/models/iris-mlp:predict")).json(&instances).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let predicted: Value = answer.json().await.unwrap();
    assert_eq!(predicted["predictions"][0]["label"], "setosa", "{predicted:#}");
}
