//! Which columns are scaled follows from the model, the same at training, validation and prediction
//! (`tests/fixtures/keras/preprocessing.py` trained the models with the real Keras).

use crate::support::{Client, Server, client};
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FIXTURE: &str = include_str!("../fixtures/keras/preprocessing.json");

#[derive(Deserialize)]
struct Case {
    name: String,
    keras: Value,
    own: Option<Value>,
    inputs: BTreeMap<String, Vec<String>>,
    columns: BTreeMap<String, Vec<f64>>,
    target: Vec<f64>,
    loss: Vec<f64>,
    val_loss: Vec<f64>,
    predictions: Vec<f64>,
}

impl Case {
    fn named(name: &str) -> Self {
        let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
        let cases: Vec<Self> = serde_json::from_value(fixture["cases"].clone()).unwrap();
        cases.into_iter().find(|case| case.name == name).unwrap()
    }

    fn row(&self, row: usize) -> serde_json::Map<String, Value> {
        self.columns.iter().map(|(name, values)| (name.clone(), json!(values[row]))).collect()
    }

    fn rows(&self) -> Value {
        let row = |(row, target)| {
            let mut record = self.row(row);
            record.insert("y".to_owned(), json!(target));
            record
        };
        self.target.iter().enumerate().map(row).collect()
    }
}

async fn post(client: &Client, url: String, body: &Value, status: u16) -> Value {
    let answer = client.post(url).json(body).send().await.unwrap();
    let received = answer.status().as_u16();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(received, status, "{answer:#}");
    answer
}

/// Trains `definition` on the rows of `case`; gives the job at its end.
async fn trained(server: &Server, case: &Case, definition: &Value, training: Value) -> Value {
    let (client, url) = (Client::new(), server.url());
    post(&client, format!("{url}/v1/models"), &json!({"name": "m", "definition": definition}), 201).await;
    post(&client, format!("{url}/v1/datasets?name=d"), &case.rows(), 201).await;
    let mut settings = json!({"epochs": case.loss.len(), "batch_size": 4, "shuffle": false, "loss": "mse",
                              "optimizer": {"type": "sgd", "learning_rate": 0.05}});
    settings.as_object_mut().unwrap().extend(training.as_object().unwrap().clone());
    let mut job = json!({"model": "m", "dataset": "d", "validation_dataset": "d", "target": "y",
                         "preprocessing": {"target": {"scale": "none"}}, "training": settings});
    match case.inputs.len() {
        1 => job["features"] = json!(case.inputs.values().next()),
        _ => job["inputs"] = json!(case.inputs),
    }
    let job = post(&client, format!("{url}/v1/jobs"), &job, 202).await;
    let ended = client::wait_for_end(url, job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert_eq!(ended["preprocessing"], job["preprocessing"]);
    ended
}

fn close(received: &Value, expected: f64) -> bool {
    received.as_f64().is_some_and(|received| (received - expected).abs() <= 2e-5 * expected.abs().max(0.1))
}

#[rstest]
#[case("operators", true, &[("none", 4)], "")]
#[case("images", true, &[("none", 16)], "")]
#[case("normalized", true, &[("none", 3)], "")]
#[case("masked", true, &[("none", 4)], "x")]
#[case("mixed", true, &[("none", 2), ("none", 2)], "")]
#[case("operators", false, &[("none", 4)], "")]
#[case("images", false, &[("none", 16)], "")]
#[case("normalized", false, &[("none", 3)], "")]
#[case("masked", false, &[("none", 4)], "x")]
#[case("mixed", false, &[("none", 2), ("none", 2)], "")]
#[case("plain", true, &[("none", 3)], "")]
#[tokio::test]
async fn models_that_scale_by_themselves_train_as_in_keras(
    #[case] name: &str,
    #[case] keras: bool,
    #[case] scales: &[(&str, usize)],
    #[case] warned: &str,
) {
    let case = Case::named(name);
    let server = Server::start().await;
    let definition = if keras { &case.keras } else { case.own.as_ref().unwrap() };
    let ended = trained(&server, &case, definition, json!({})).await;
    let metrics = &ended["metrics"];
    assert!(close(&metrics["loss"], *case.loss.last().unwrap()), "{:?}: {metrics:#}", case.loss);
    assert!(close(&metrics["val_loss"], *case.val_loss.last().unwrap()), "{:?}: {metrics:#}", case.val_loss);

    let found: Vec<(&str, usize)> = ended["preprocessing"]["applied"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["scale"].as_str().unwrap(), it["columns"].as_array().unwrap().len()))
        .collect();
    assert_eq!(found, scales, "{:#}", ended["preprocessing"]);
    for it in ended["preprocessing"]["applied"].as_array().unwrap() {
        let reason = if name == "plain" { "`training_defaults` of the model" } else { "takes unscaled numbers" };
        assert!(it["reason"].as_str().unwrap().contains(reason), "{it:#}");
        assert_eq!(it["input"].is_string(), name == "mixed", "{it:#}");
    }
    match warned {
        "" => assert_eq!(ended["warnings"], json!([])),
        _ => {
            let warning = &ended["warnings"][0];
            assert_eq!(warning["code"], "unscaled_columns", "{warning:#}");
            assert!(warning["detail"].as_str().unwrap().contains("has mean "), "{warning:#}");
        }
    }

    let instances: Vec<_> = (0..case.predictions.len()).map(|row| case.row(row)).collect();
    let url = format!("{}/v1/models/m:predict", server.url());
    let predicted = post(&Client::new(), url, &json!({"instances": instances}), 200).await;
    for (row, &expected) in case.predictions.iter().enumerate() {
        let received = &predicted["predictions"][row]["value"];
        assert!(close(received, expected), "row {row}: expected {expected}, received {received}");
    }
}

#[tokio::test]
async fn a_choice_of_the_job_comes_first_and_columns_that_are_looked_up_stay() {
    let case = Case::named("mixed");
    let server = Server::start().await;
    let ended = trained(&server, &case, case.own.as_ref().unwrap(), json!({"preprocessing": "min_max"})).await;
    assert_eq!(
        ended["preprocessing"]["applied"],
        json!([
            {"input": "ids", "columns": ["ids0", "ids1"], "type": "number", "scale": "none", "missing": "median",
             "reason": "the layer `embedded` takes unscaled numbers"},
            {"input": "numbers", "columns": ["numbers0", "numbers1"], "type": "number", "scale": "min_max",
             "missing": "median", "reason": "`training.preprocessing` of the job"},
        ])
    );
    assert!(!close(&ended["metrics"]["loss"], *case.loss.last().unwrap()), "{ended:#}");
}

#[tokio::test]
async fn columns_that_nothing_scales_are_standardized_in_our_form_and_named_in_keras_s() {
    let case = Case::named("normalized");
    let dense = json!({"layers": [{"type": "dense", "units": 1}]});
    let server = Server::start().await;
    let ended = trained(&server, &case, &dense, json!({})).await;
    let columns = json!(case.inputs["x"]);
    let expected = json!([{"columns": columns, "type": "number", "scale": "standardize", "missing": "median",
                           "reason": "the default"}]);
    assert_eq!((&ended["preprocessing"]["applied"], &ended["warnings"]), (&expected, &json!([])));

    let layers = json!([{"class_name": "Dense", "config": {"name": "out", "units": 1}}]);
    let dense = json!({"class_name": "Sequential", "keras_version": "3.15.1", "config": {"layers": layers}});
    let server = Server::start().await;
    let ended = trained(&server, &case, &dense, json!({"optimizer": {"type": "sgd", "learning_rate": 1e-7}})).await;
    assert_eq!(ended["preprocessing"]["applied"][0]["scale"], "none", "{ended:#}");
    assert_eq!(ended["warnings"][0]["columns"], columns, "{ended:#}");
    let values = &case.columns["x0"];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let detail = ended["warnings"][0]["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("\"x0\" has mean {mean:.4}")), "{detail}");
}
