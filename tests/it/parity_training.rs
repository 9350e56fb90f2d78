//! Whole jobs over HTTP against trainings by the real Keras, which `tests/fixtures/keras/training.py`
//! and `training_keras2.py` wrote.

use crate::support::Client;
use crate::support::{Server, client};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Fixture {
    trainings: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    definition: Value,
    rows: Value,
    job: Map<String, Value>,
    /// Whether the same rows validate.
    validate: bool,
    logs: Map<String, Value>,
    /// By instance and output.
    predictions: Vec<Vec<f64>>,
}

fn cases() -> Vec<Case> {
    let texts = [
        include_str!("../fixtures/keras/training.json"),
        // Keras 2
        include_str!("../fixtures/keras/training_keras2.json"),
    ];
    texts.iter().flat_map(|text| serde_json::from_str::<Fixture>(text).unwrap().trainings).collect()
}

/// The numbers within lists and objects, in order.
fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| numbers(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| numbers(value, found)),
        number => found.push(number.as_f64().unwrap()),
    }
}

fn close(received: f64, expected: f64) -> bool {
    (received - expected).abs() <= 5e-5 * expected.abs().max(1.0)
}

/// What differs from Keras in one training.
async fn faults(case: &Case, index: usize, url: &str, client: &Client) -> Vec<String> {
    let (name, what) = (format!("case{index}"), &case.name);
    let post = async |path: &str, body: &Value| {
        let answer = client.post(format!("{url}{path}")).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = post("/v1/models", &json!({"name": name, "definition": case.definition})).await;
    if status != 201 {
        return vec![format!("{what}: the model is refused: {answer}")];
    }
    let (status, answer) = post(&format!("/v1/datasets?name={name}"), &case.rows).await;
    assert_eq!(status, 201, "{what}: {answer}");
    let mut job = case.job.clone();
    job.extend([("model".to_owned(), json!(name)), ("dataset".to_owned(), json!(name))]);
    job.extend(case.validate.then(|| ("validation_dataset".to_owned(), json!(name))));
    let (status, answer) = post("/v1/jobs", &Value::Object(job)).await;
    if status != 202 {
        return vec![format!("{what}: the job is refused: {answer}")];
    }
    let ended = client::wait_for_end(url, answer["id"].as_str().unwrap()).await;
    if ended["status"] != "succeeded" {
        return vec![format!("{what}: {}", ended["error"])];
    }
    let mut faults = Vec::new();
    for (log, expected) in &case.logs {
        let (received, expected) = (ended["metrics"][log].as_f64(), expected.as_f64().unwrap());
        if !received.is_some_and(|received| close(received, expected)) {
            faults.push(format!("{what}: {log} is {received:?}, Keras has {expected}"));
        }
    }
    let features: Vec<&str> = case.job["features"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let instance = |row: usize| features.iter().map(|feature| case.rows[row][feature].clone()).collect::<Vec<Value>>();
    let question = json!({"instances": [instance(0), instance(1)]});
    let (status, raw) = post(&format!("/v1/models/{name}:predict?format=raw"), &question).await;
    assert_eq!(status, 200, "{what}: {raw}");
    let (mut received, expected) = (Vec::new(), case.predictions.concat());
    numbers(&raw["predictions"], &mut received);
    assert_eq!(received.len(), expected.len(), "{what}: {raw}");
    let differing = received.iter().zip(&expected).find(|(received, expected)| !close(**received, **expected));
    faults.extend(differing.map(|(received, expected)| format!("{what}: predicts {received}, Keras {expected}")));
    let (status, labelled) = post(&format!("/v1/models/{name}:predict"), &question).await;
    assert_eq!(status, 200, "{what}: {labelled}");
    faults
}

#[tokio::test]
async fn jobs_log_and_predict_what_keras_does() {
    let server = Server::start().await;
    let client = Client::new();
    let cases = cases();
    assert!(cases.len() > 50, "{} cases", cases.len());
    let mut all = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        all.extend(faults(case, index, server.url(), &client).await);
    }
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}
