//! Answers of classifiers whose output are no probabilities: logits become them, scores stay scores, others are clipped with a warning.

use crate::support::Client;
use crate::support::Server;
use crate::support::tables::Tables;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");
const FLOWER: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

/// Trains a network of one linear layer with `units` on irises, and asks for a setosa: the job, the answer, the raw output.
async fn asked(units: usize, csv: &str, loss: Value) -> (Value, Value, Vec<f64>) {
    let (ended, body, raw) = asked_layers(json!([{"type": "dense", "units": units}]), csv, loss).await;
    (ended, body["predictions"][0].clone(), raw)
}

/// As [`asked`], with the layers of the network and the whole body of the answer.
async fn asked_layers(layers: Value, csv: &str, loss: Value) -> (Value, Value, Vec<f64>) {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    let upload = client.post(format!("{url}/v1/datasets?name=iris")).header("content-type", "text/csv");
    assert_eq!(upload.body(csv.to_owned()).send().await.unwrap().status(), 201);
    let model = json!({"name": "m", "definition": {"layers": layers}});
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
        answers.push(answer);
    }
    let raw = serde_json::from_value(answers[1]["predictions"][0].clone()).unwrap_or_else(|_| panic!("{answers:#?}"));
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

fn codes(body: &Value) -> Vec<&str> {
    body["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn outputs_that_are_no_probabilities_are_clipped_with_a_warning() {
    let csv = IRIS.replace("versicolor", "other").replace("virginica", "other");
    let mut past_bounds = 0;
    for (csv, units, activation, loss) in [
        (&*csv, 1, "linear", "binary_crossentropy"),
        (IRIS, 3, "linear", "categorical_crossentropy"),
        (IRIS, 3, "linear", "sparse_categorical_crossentropy"),
        (IRIS, 3, "sigmoid", "categorical_crossentropy"),
    ] {
        let layers = json!([{"type": "dense", "units": units, "activation": activation}]);
        let (ended, body, raw) = asked_layers(layers, csv, json!(loss)).await;
        assert_eq!(ended["training"]["loss"]["from_logits"], false, "{ended:#}");
        let answer = &body["predictions"][0];
        let made: Vec<f64> =
            answer["probabilities"].as_object().unwrap().values().map(|value| value.as_f64().unwrap()).collect();
        assert!(made.iter().all(|value| (0.0..=1.0).contains(value)), "{activation}, {loss}: {body:#}");
        assert!((made.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{activation}, {loss}: {body:#}");
        let bounded = raw.iter().all(|value| (0.0..=1.0).contains(value));
        let sums = raw.len() == 1 || (raw.iter().sum::<f64>() - 1.0).abs() <= 1e-3;
        let expected: &[&str] = if bounded && sums { &[] } else { &["not_probabilities"] };
        assert_eq!(codes(&body), expected, "{activation}, {loss}: {raw:?} {body:#}");
        past_bounds += usize::from(!(bounded && sums));
        if raw.len() == 1 {
            assert!((probability(answer, "setosa") - raw[0].clamp(0.0, 1.0)).abs() < 1e-6, "{raw:?}, {body:#}");
        }
    }
    assert!(past_bounds >= 3, "{past_bounds}");
}

#[tokio::test]
async fn a_layer_of_activation_alone_outputs_probabilities() {
    let csv = IRIS.replace("versicolor", "other").replace("virginica", "other");
    let layers = json!([{"type": "dense", "units": 1}, {"type": "activation", "activation": "sigmoid"}]);
    let (ended, body, raw) = asked_layers(layers, &csv, json!("binary_crossentropy")).await;
    assert_eq!((&ended["warnings"], codes(&body)), (&json!([]), vec![]), "{ended:#} {body:#}");
    assert!((probability(&body["predictions"][0], "setosa") - raw[0]).abs() < 1e-6, "{body:#}");
}

#[tokio::test]
async fn labels_that_are_no_probabilities_stay_as_they_are_with_a_warning() {
    let tables = Tables::start().await;
    let rows: String = (0..40).map(|row| format!("{row},{},{}\n", u8::from(row > 19), u8::from(row > 9))).collect();
    tables.csv("flags", &format!("x,a,b\n{rows}")).await;
    let url = tables.server.url();
    let model = json!({"name": "flags", "definition": {"layers": [{"type": "dense", "units": 2}]}});
    assert_eq!(tables.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let training = json!({"epochs": 20, "loss": "binary_crossentropy", "seed": 1});
    let job = json!({"model": "flags", "dataset": "flags", "target": ["a", "b"], "training": training});
    let job: Value =
        tables.client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
    let ended = tables.server.wait_for_end(job["id"].as_str().unwrap_or_else(|| panic!("{job:#}"))).await;
    assert_eq!(ended["task"], "multilabel_classification", "{ended:#}");
    let (_, body) = tables.ask_predictions("flags", json!([[1000]])).await;
    let values: Vec<f64> =
        ["a", "b"].iter().map(|name| body["predictions"][0]["value"][name].as_f64().unwrap()).collect();
    assert!(values.iter().any(|value| !(0.0..=1.0).contains(value)), "{body:#}");
    assert_eq!(codes(&body), ["not_probabilities"], "{body:#}");
    assert_eq!(body["warnings"][0]["pointer"], "/instances/0", "{body:#}");
}
