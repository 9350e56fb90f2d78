//! Models of several inputs and outputs, from a job that names their columns to predictions by output.

use crate::support::Client;
use crate::support::{Server, client};
use rstest::rstest;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");

/// Petals and sepals in, the species and the petal's width out.
fn model() -> Value {
    json!({"name": "flowers", "definition": {
        "inputs": [{"name": "sepal", "shape": [2]}, "petal"],
        "layers": [
            {"type": "dense", "units": 8, "activation": "relu", "name": "of_sepal", "inputs": ["sepal"]},
            {"type": "dense", "units": 8, "activation": "relu", "name": "of_petal", "inputs": ["petal"]},
            {"type": "concatenate", "name": "both", "inputs": ["of_sepal", "of_petal"]},
            {"type": "dense", "units": 3, "activation": "softmax", "name": "kind"},
            {"type": "dense", "units": 1, "name": "width", "inputs": ["both"]}
        ],
        "outputs": ["kind", "width"]
    }})
}

fn job() -> Value {
    json!({"model": "flowers", "dataset": "iris",
           "inputs": {"petal": ["petal_length"], "sepal": ["sepal_length", "sepal_width"]},
           "target": {"kind": "species", "width": "petal_width"},
           "training": {"epochs": 40, "batch_size": 16, "validation_split": 0.2, "seed": 7,
                        "optimizer": {"type": "adam", "learning_rate": 0.01},
                        "loss": {"width": "mse"}, "metrics": {"width": ["mae"]}, "loss_weights": {"width": 0.5},
                        "early_stopping": {"monitor": "val_kind_loss", "patience": 40}}})
}

async fn with_model(server: &Server) -> Client {
    let client = Client::new();
    let url = server.url();
    let upload = client.post(format!("{url}/v1/datasets?name=iris")).header("content-type", "text/csv").body(IRIS);
    assert_eq!(upload.send().await.unwrap().status(), 201);
    let answer = client.post(format!("{url}/v1/models")).json(&model()).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    client
}

#[tokio::test]
async fn several_inputs_and_outputs_from_job_to_prediction() {
    let server = Server::start().await;
    let client = with_model(&server).await;
    let url = server.url();
    let answer = client.post(format!("{url}/v1/jobs")).json(&job()).send().await.unwrap();
    let status = answer.status();
    let submitted: Value = answer.json().await.unwrap();
    assert_eq!(status, 202, "{submitted:#}");
    assert_eq!(submitted["features"], json!(["sepal_length", "sepal_width", "petal_length"]), "{submitted:#}");
    assert_eq!(submitted["task"], json!({"kind": "multiclass_classification", "width": "regression"}));
    assert_eq!(submitted["training"]["loss_weights"], json!({"kind": 1.0, "width": 0.5}));
    let ended = client::wait_for_end(url, submitted["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    for name in ["loss", "kind_loss", "width_loss", "kind_accuracy", "width_mae", "val_width_loss"] {
        assert!(ended["metrics"][name].is_f64(), "no {name}: {ended:#}");
    }
    assert!(ended["metrics"]["kind_accuracy"].as_f64().unwrap() > 0.9, "{ended:#}");

    let record = json!({"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4});
    let question = json!({"instances": [record, [6.3, 3.3, 6.0]]});
    let ask = |path: &str| client.post(format!("{url}/v1/models/flowers:predict{path}")).json(&question).send();
    let predicted: Value = ask("").await.unwrap().json().await.unwrap();
    assert_eq!(predicted["predictions"][0]["kind"]["label"], "setosa", "{predicted:#}");
    assert_eq!(predicted["predictions"][1]["kind"]["label"], "virginica", "{predicted:#}");
    assert!((predicted["predictions"][0]["width"]["value"].as_f64().unwrap() - 0.2).abs() < 0.5, "{predicted:#}");
    let raw: Value = ask("?format=raw").await.unwrap().json().await.unwrap();
    assert_eq!(raw["predictions"][0]["kind"].as_array().unwrap().len(), 3, "{raw:#}");
    assert_eq!(raw["predictions"][0]["width"].as_array().unwrap().len(), 1, "{raw:#}");
}

#[rstest]
#[case(json!({"inputs": null}), "/inputs", "sepal, petal")]
#[case(json!({"inputs": {"sepal": ["sepal_length", "sepal_width"]}}), "/inputs", "`petal`")]
#[case(json!({"inputs": {"sepal": ["sepal_length"], "petal": ["petal_length"]}}), "/model", "2")]
#[case(json!({"inputs": {"sepal": ["sepal_length", "sepal_widht"], "petal": ["petal_length"]}}), "/inputs/sepal/1", "sepal_width")]
#[case(json!({"inputs": {"sepal": ["sepal_length", "sepal_width"], "petal": ["petal_length"], "leaf": ["x"]}}), "/inputs/leaf", "sepal, petal")]
#[case(json!({"inputs": {"sepal": ["sepal_length", "sepal_width"], "petal": []}}), "/inputs/petal", "at least one column")]
#[case(json!({"target": "species"}), "/target", "kind, width")]
#[case(json!({"target": {"kind": "species"}}), "/target", "`width`")]
#[case(json!({"target": {"kind": "species", "width": "petal_widht"}}), "/target/width", "petal_width")]
#[case(json!({"target": {"kind": "petal_width", "width": "petal_width"}, "training": {"loss": {"kind": "sparse_categorical_crossentropy"}}}), "/training/loss/kind", "class labels")]
#[case(json!({"training": {"loss": {"kid": "mse"}}}), "/training/loss/kid", "did you mean `kind`")]
#[case(json!({"training": {"loss": {"width": "msee"}}}), "/training/loss/width", "mse")]
#[case(json!({"training": {"loss_weights": {"width": -1}}}), "/training/loss_weights/width", "at least 0")]
#[case(json!({"training": {"class_weight": "balanced"}}), "/training/class_weight", "several outputs")]
#[tokio::test]
async fn what_does_not_fit_is_pointed_at(#[case] change: Value, #[case] pointer: &str, #[case] text: &str) {
    let server = Server::start().await;
    let client = with_model(&server).await;
    let mut wrong = job();
    wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let answer = client.post(format!("{}/v1/jobs", server.url())).json(&wrong).send().await.unwrap();
    let problem = client::problem(answer, 422).await;
    let errors = problem["errors"].as_array().unwrap();
    let found = errors.iter().find(|error| error["pointer"] == pointer);
    let found = found.unwrap_or_else(|| panic!("no error at {pointer}: {problem:#}"));
    assert!(found["detail"].as_str().unwrap().contains(text), "{problem:#}");
}
