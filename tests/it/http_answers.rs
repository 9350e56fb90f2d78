//! Answers of classifiers whose output are no probabilities: logits become them, scores stay scores.

use crate::support::Client;
use crate::support::Server;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");
const FLOWER: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

/// Trains a network of one linear layer with `units` on irises, and asks for a setosa: the job, the answer, the raw output.
async fn asked(units: usize, csv: &str, loss: Value) -> (Value, Value, Vec<f64>) {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    let upload = client.post(format!("{url}/v1/datasets?name=iris")).header("content-type", "text/csv");
    assert_eq!(upload.body(csv.to_owned()).send().await.unwrap().status(), 201);
    let definition = json!({"layers": [{"type": "dense", "units": units}]});
    let model = json!({"name": "m", "definition": definition});
    assert_eq!(client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let optimizer = json!({"type": "adam", "learning_rate": 0.05});
    let training = json!({"epochs": 40, "batch_size": 16, "optimizer": optimizer, "loss": loss});
    let job = json!({"model": "m", "dataset": "iris", "target": "species", "training": training});
    let job: Value = client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
    let ended = server.wait_for_end(job["id"].as_str().unwrap_or_else(|| panic!("{job:#}"))).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let question = json!({"instances": [FLOWER]});
    let mut answers = Vec::new();
    for format in ["labelled", "raw"] {
        let path = format!("{url}/v1/models/m:predict?format={format}");
        let answer: Value = client.post(path).json(&question).send().await.unwrap().json().await.unwrap();
        answers.push(answer["predictions"][0].clone());
    }
    let raw = serde_json::from_value(answers[1].clone()).unwrap_or_else(|_| panic!("{answers:#?}"));
    (ended, answers.remove(0), raw)
}

fn probability(answer: &Value, label: &str) -> f64 {
    answer["probabilities"][label].as_f64().unwrap_or_else(|| panic!("{answer:#}"))
}

#[tokio::test]
async fn logits_of_several_classes_become_their_softmax() {
    let loss = json!({"type": "sparse_categorical_crossentropy", "from_logits": true});
    let (_, answer, raw) = asked(3, IRIS, loss).await;
    let total: f64 = raw.iter().map(|logit| logit.exp()).sum();
    for (label, logit) in ["setosa", "versicolor", "virginica"].into_iter().zip(&raw) {
        assert!((probability(&answer, label) - logit.exp() / total).abs() < 1e-6, "{answer:#}, {raw:?}");
    }
    assert_eq!(answer["label"], "setosa", "{answer:#}");
}

#[tokio::test]
async fn a_logit_becomes_its_sigmoid_and_decides_by_its_side() {
    let csv = IRIS.replace("versicolor", "other").replace("virginica", "other");
    let (ended, answer, raw) = asked(1, &csv, json!({"type": "binary_crossentropy", "from_logits": true})).await;
    assert!((probability(&answer, "setosa") - 1.0 / (1.0 + (-raw[0]).exp())).abs() < 1e-6, "{answer:#}, {raw:?}");
    assert_eq!((&answer["label"], raw[0] > 0.0), (&json!("setosa"), true), "{answer:#}");
    let counts = &ended["confusion_matrix"]["counts"];
    let right = counts[0][0].as_f64().unwrap() + counts[1][1].as_f64().unwrap();
    assert!((right / 150.0 - ended["metrics"]["binary_accuracy"].as_f64().unwrap()).abs() < 0.02, "{ended:#}");
}

#[tokio::test]
async fn scores_of_several_classes_stay_scores() {
    let (_, answer, raw) = asked(3, IRIS, json!("categorical_hinge")).await;
    let scores = json!({"setosa": raw[0], "versicolor": raw[1], "virginica": raw[2]});
    assert_eq!(answer, json!({"label": "setosa", "scores": scores}));
}
