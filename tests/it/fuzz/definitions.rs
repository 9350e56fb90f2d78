//! Definitions of networks and classical models, Keras JSON, and the settings of jobs.

use super::{check_words, fuzz};
use crate::support::{Client, Server};
use epoca::{
    engine::{
        field::FieldError,
        shape::Shape,
        spec::{Definition, Limits},
    },
    job::ModelDefinition,
    keras,
};
use serde_json::{Value, json};
use std::path::Path;

fn definitions() -> Vec<Value> {
    vec![
        json!({"input_shape": [4], "layers": [{"type": "dense", "units": 8, "activation": "relu", "kernel_regularizer":
            {"type": "l2", "l2": 0.01}}, {"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 3, "activation": "softmax"}]}),
        json!({"inputs": [{"name": "a", "shape": [6, 2]}, {"name": "b", "shape": [3]}], "layers": [
            {"name": "l", "type": "lstm", "units": 4, "inputs": ["a"]}, {"name": "d", "type": "dense", "units": 4, "inputs": ["b"]},
            {"name": "s", "type": "add", "inputs": ["l", "d"]}, {"name": "y", "type": "dense", "units": 1, "inputs": ["s"]}],
            "outputs": ["y"]}),
        json!({"input_shape": [8, 8, 1], "layers": [{"type": "conv2d", "filters": 2, "kernel_size": [3, 3], "padding": "same"},
            {"type": "max_pooling2d", "pool_size": 2}, {"type": "batch_normalization"}, {"type": "flatten"},
            {"type": "reshape", "target_shape": [4, -1]}, {"type": "bidirectional", "layer": {"type": "gru", "units": 2}},
            {"type": "dense", "units": 1}]}),
        json!({"input_shape": [5], "layers": [{"type": "embedding", "input_dim": 20, "output_dim": 4}, {"type": "time_distributed",
            "layer": {"type": "dense", "units": 2}}, {"type": "global_average_pooling1d"}, {"type": "dense", "units": 1}]}),
    ]
}

fn classical() -> Vec<Value> {
    vec![
        json!({"type": "random_forest", "n_estimators": 10, "max_depth": 4, "min_samples_leaf": 2, "max_features": "sqrt"}),
        json!({"type": "gradient_boosting", "max_iter": 20, "learning_rate": 0.1, "max_depth": 3}),
        json!({"type": "svm", "C": 1.0, "kernel": "rbf", "gamma": "scale"}),
        json!({"type": "k_neighbors", "n_neighbors": 5, "weights": "distance"}),
        json!({"type": "logistic_regression", "C": 0.5}),
    ]
}

fn check_errors(errors: &[FieldError]) {
    assert!(!errors.is_empty(), "refused without an error");
    for error in errors {
        check_words(&error.detail);
        assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{error:?}");
    }
}

fn bytes(values: Vec<Value>) -> Vec<Vec<u8>> {
    values.into_iter().map(|value| value.to_string().into_bytes()).collect()
}

#[test]
fn definitions_of_networks() {
    let limits = Limits { memory_bytes: 1 << 30, ..Limits::default() };
    fuzz(6000, bytes(definitions()), |bytes| {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return false };
        let resolved = Definition::from_value(&value).and_then(|definition| match definition.known_input_shapes() {
            Some(shapes) => definition.resolve(&shapes, &limits),
            None => definition.resolve(&[Shape(vec![4])], &limits),
        });
        resolved.map_err(|errors| check_errors(&errors)).is_ok()
    });
}

#[test]
fn definitions_of_classical_models() {
    fuzz(4000, bytes(classical()), |bytes| {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return false };
        ModelDefinition::from_value(&value).map_err(|errors| check_errors(&errors)).is_ok()
    });
}

#[test]
fn keras_json() {
    let mut seeds = Vec::new();
    for file in ["keras-3.15.1.json", "tf_keras-2.21.0.json", "graphs-keras-3.15.1.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras_json").join(file);
        let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        models_in(&all, &mut seeds);
    }
    let seeds: Vec<Value> = seeds.into_iter().filter(|model| keras::import(model).is_ok()).collect();
    assert!(seeds.len() > 10, "{} models", seeds.len());
    let limits = Limits { memory_bytes: 1 << 30, ..Limits::default() };
    fuzz(4000, bytes(seeds), |bytes| {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return false };
        let imported = keras::import(&value).and_then(|(definition, _)| match definition.known_input_shapes() {
            Some(shapes) => definition.resolve(&shapes, &limits).map(|_| ()),
            None => Ok(()),
        });
        imported.map_err(|errors| check_errors(&errors)).is_ok()
    });
}

/// The smaller models of a file of fixtures.
fn models_in(value: &Value, models: &mut Vec<Value>) {
    match value {
        Value::Object(fields) if fields.contains_key("class_name") && fields.contains_key("config") => {
            models.extend((value.to_string().len() < 6000).then(|| value.clone()));
        }
        Value::Object(fields) => fields.values().for_each(|value| models_in(value, models)),
        Value::Array(values) => values.iter().for_each(|value| models_in(value, models)),
        Value::String(text) if text.starts_with("{\"") => {
            if let Ok(value) = serde_json::from_str(text) {
                models_in(&value, models);
            }
        }
        _ => {}
    }
}

#[test]
fn requests_for_jobs_and_models() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::with(|config| config.workers = 1));
    let http = Client::new();
    let send = |path: &str, media_type: &str, body: Vec<u8>| {
        let request = http.post(format!("{}{path}", server.url())).header("content-type", media_type);
        runtime.block_on(async {
            let answer = request.body(body).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    };
    let rows = "1,x,2024-01-01,0\n2,y,2024-01-02,1\n3,x,2024-01-03,0\n4,z,2024-01-04,1\n".repeat(5);
    let table = format!("a,b,when,y\n{rows}");
    assert_eq!(send("/v1/datasets?name=d", "text/csv", table.into_bytes()).0, 201);
    let model = json!({"name": "m", "definition": {"layers": [{"type": "dense", "units": 1}]}});
    assert_eq!(send("/v1/models", "application/json", model.to_string().into_bytes()).0, 201);
    let jobs = vec![
        json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": 2, "batch_size": 4, "optimizer":
            {"type": "adam", "learning_rate": 0.01, "clipnorm": 1.0}, "loss": "mse", "metrics": ["mae"],
            "early_stopping": {"monitor": "loss", "patience": 2}, "validation_split": 0.2, "seed": 3}, "labels": {"run": "1"}}),
        json!({"model": "m", "dataset": "d", "target": "y", "features": ["a", "b", "when"], "preprocessing": {"columns": {
            "a": {"scale": [{"type": "clip", "min": 0, "max": 3}, "standardize"], "missing": "median"},
            "b": {"encode": "one_hot"}}}, "split": {"method": "random", "validation": 0.2, "seed": 1}}),
        json!({"model": "f", "definition": {"type": "random_forest", "n_estimators": 5}, "dataset": "d", "target": "y"}),
    ];
    fuzz(1500, bytes(jobs), |bytes| {
        let (status, text) = send("/v1/jobs?dry_run=true", "application/json", bytes.to_vec());
        assert!(status < 500, "{status} {text}");
        if status >= 400 {
            println!("{status} {text}");
        }
        checked(status, &text)
    });
    let models =
        definitions().into_iter().chain(classical()).map(|definition| json!({"name": "f", "definition": definition}));
    fuzz(1500, bytes(models.collect()), |bytes| {
        let (status, text) = send("/v1/models", "application/json", bytes.to_vec());
        assert!(status < 500, "{status} {text}");
        // A name may be taken by an input before.
        status == 409 || checked(status, &text)
    });
    assert_eq!(send("/v1/jobs?dry_run=true", "application/json", b"{}".to_vec()).0, 422);
}

/// Whether an answer accepts; a problem has words that help.
fn checked(status: u16, text: &str) -> bool {
    if status < 400 {
        return true;
    }
    let problem: Value = serde_json::from_str(text).unwrap();
    check_words(problem["detail"].as_str().unwrap());
    for error in problem["errors"].as_array().into_iter().flatten() {
        check_words(error["detail"].as_str().unwrap());
    }
    false
}
