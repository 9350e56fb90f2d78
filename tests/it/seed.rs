//! The example that the project began with, over HTTP, from the JSON that Keras prints of it.

use crate::support::Client;
use crate::support::Server;
use serde_json::{Value, json};
use std::fmt::Write;

/// 100 rows of 10 random numbers, and a label that is 0 or 1 at random; by a fixed sequence.
fn table() -> String {
    let mut state = 12345u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let header: Vec<String> = (0..10).map(|column| format!("x{column}")).collect();
    let mut csv = format!("{},y\n", header.join(","));
    for _ in 0..100 {
        for _ in 0..10 {
            write!(csv, "{:.6},", next()).unwrap();
        }
        writeln!(csv, "{}", u8::from(next() < 0.5)).unwrap();
    }
    csv
}

#[tokio::test]
async fn the_seeds_example_trains_and_predicts_from_its_keras_json() {
    let file: Value = serde_json::from_str(include_str!("../fixtures/keras_json/keras-3.15.1.json")).unwrap();
    // As `model.to_json()` returns it: a string.
    let definition = &file["seed"]["json"];
    assert!(definition.is_string());
    let server = Server::start().await;
    let client = Client::new();
    let url = server.url();

    let upload = client.post(format!("{url}/v1/datasets?name=random")).header("content-type", "text/csv").body(table());
    assert_eq!(upload.send().await.unwrap().status(), 201);
    let model = client.post(format!("{url}/v1/models")).json(&json!({"name": "seed", "definition": definition}));
    let model = model.send().await.unwrap();
    assert_eq!(model.status(), 201);
    let model: Value = model.json().await.unwrap();
    assert_eq!(model["summary"]["parameters"], 16 * 11 + 17, "{model:#}");

    let job = json!({"model": "seed", "dataset": "random", "target": "y", "training": {"epochs": 5, "batch_size": 10}});
    let job = client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap();
    assert_eq!(job.status(), 202);
    let job: Value = job.json().await.unwrap();
    // What `model.compile` was given is what the job trains with.
    assert!(job["training"]["loss"].to_string().contains("\"binary_crossentropy\""), "{job:#}");
    assert!(job["training"]["optimizer"].to_string().contains("adam"), "{job:#}");
    let id = job["id"].as_str().unwrap();

    let ended = server.wait_for_end(id).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let events = client.get(format!("{url}/v1/jobs/{id}/events")).header("accept", "application/json").send();
    let events: Value = events.await.unwrap().json().await.unwrap();
    let epochs: Vec<&Value> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "epoch")
        .map(|event| &event["data"])
        .collect();
    assert_eq!(epochs.iter().map(|epoch| &epoch["epoch"]).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for epoch in epochs {
        let (loss, accuracy) = (epoch["loss"].as_f64().unwrap(), epoch["accuracy"].as_f64().unwrap());
        // Nothing can be learned of random labels: the loss stays near that of a coin, ln 2.
        assert!((0.5..1.2).contains(&loss) && (0.2..0.8).contains(&accuracy), "{epoch}");
    }

    let instance: Vec<f64> = (0..10).map(|column| f64::from(column) / 10.0).collect();
    let answer = client.post(format!("{url}/v1/models/seed:predict")).json(&json!({"instances": [instance]}));
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let probabilities = &answer["predictions"][0]["probabilities"];
    let sum = probabilities["0"].as_f64().unwrap() + probabilities["1"].as_f64().unwrap();
    assert!((sum - 1.0).abs() < 1e-6, "{answer:#}");
}
