//! Networks that are not dense, over HTTP: real Keras JSON of images and sequences, and sequences of words.

use crate::support::Client;
use crate::support::{Server, client};
use epoca::keras;
use rstest::rstest;
use serde_json::{Value, json};

/// A table of `features` numbers and a class a row.
fn table(features: usize, classes: usize, cell: impl Fn(usize, usize) -> f64) -> String {
    let mut csv: String = (0..features).map(|column| format!("x{column},")).collect();
    csv.push_str("y\n");
    for row in 0..60 {
        csv.extend((0..features).map(|column| format!("{},", cell(row, column))));
        csv.push_str(&format!("c{}\n", row % classes));
    }
    csv
}

async fn upload(url: &str, csv: String) {
    let upload = Client::new().post(format!("{url}/v1/datasets?name=t")).header("content-type", "text/csv").body(csv);
    assert_eq!(upload.send().await.unwrap().status(), 201);
}

async fn define(url: &str, definition: &Value) {
    let model = json!({"name": "m", "definition": definition});
    let answer = Client::new().post(format!("{url}/v1/models")).json(&model).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

async fn train(url: &str, training: Value) -> Value {
    let job = json!({"model": "m", "dataset": "t", "target": "y", "training": training});
    let answer = Client::new().post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap();
    let status = answer.status();
    let submitted: Value = answer.json().await.unwrap();
    assert_eq!(status, 202, "{submitted:#}");
    client::wait_for_end(url, submitted["id"].as_str().unwrap()).await
}

#[rstest]
#[tokio::test]
async fn what_keras_prints_trains_and_predicts(
    #[values("cnn", "rnn")] name: &str,
    #[values("tf_keras-2.21.0", "keras-3.3.3", "keras-3.6.0", "keras-3.11.3", "keras-3.15.1")] version: &str,
) {
    let path = format!("{}/tests/fixtures/keras_json/{version}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let document = &file[name]["json"];
    let (definition, _) = keras::import(document).unwrap();
    let shape = definition.input_shape.clone().unwrap();
    let features: usize = shape.0.iter().map(|axis| axis.unwrap_or(6)).product();
    let shapes = definition.input_shapes(&[features]).unwrap();
    let classes = definition.resolve(&shapes, &Default::default()).unwrap().output_elements().max(2);

    let server = Server::start().await;
    let url = server.url();
    upload(url, table(features, classes, |row, column| ((row * 7 + column * 3) as f64 * 0.37).sin())).await;
    define(url, document).await;
    let ended = train(url, json!({"epochs": 2, "batch_size": 20})).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let flat: Vec<f64> = (0..features).map(|column| column as f64 * 0.01).collect();
    let question = json!({"instances": [flat]});
    let answer = Client::new().post(format!("{url}/v1/models/m:predict")).json(&question).send().await.unwrap();
    let predicted: Value = answer.json().await.unwrap();
    assert!(predicted["predictions"][0]["probabilities"].is_object(), "{predicted:#}");
    // The same cells in the input's own shape.
    let mut nested: Vec<Value> = flat.iter().map(|cell| json!(cell)).collect();
    for axis in shapes[0].0.iter().skip(1).rev() {
        nested = nested.chunks(*axis).map(|cells| json!(cells)).collect();
    }
    let question = json!({"instances": [nested]});
    let answer = Client::new().post(format!("{url}/v1/models/m:predict")).json(&question).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), predicted);
}

fn words() -> Value {
    json!({"layers": [
        {"type": "embedding", "input_dim": 10, "output_dim": 8, "mask_zero": true},
        {"type": "lstm", "units": 8},
        {"type": "dense", "units": 2, "activation": "softmax"}
    ]})
}

/// The class is whether 9 is among the words; rows end in padding.
fn sentences() -> String {
    table(6, 2, |row, column| match column {
        4.. => 0.0,
        _ if column == row / 2 % 4 => {
            if row % 2 == 1 {
                9.0
            } else {
                1.0
            }
        }
        _ => 1.0 + ((row * 5 + column * 3) % 8) as f64,
    })
}

#[tokio::test]
async fn words_are_looked_up_as_they_are() {
    let server = Server::start().await;
    let url = server.url();
    upload(url, sentences()).await;
    define(url, &words()).await;
    let training =
        json!({"epochs": 60, "batch_size": 10, "seed": 1, "optimizer": {"type": "adam", "learning_rate": 0.03}});
    let ended = train(url, training).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert!(ended["metrics"]["accuracy"].as_f64().unwrap() > 0.95, "{ended:#}");
    let ask = |instance: Value| {
        Client::new().post(format!("{url}/v1/models/m:predict")).json(&json!({"instances": [instance]})).send()
    };
    let predicted: Value = ask(json!([2, 9, 3, 4, 0, 0])).await.unwrap().json().await.unwrap();
    assert_eq!(predicted["predictions"][0]["label"], "c1", "{predicted:#}");
    for (wrong, pointer) in [
        (json!([2, 10, 3, 4, 0, 0]), "/instances/0/1"),
        (json!([2, 9, 3, -1, 0, 0]), "/instances/0/3"),
        (json!({"x5": 0, "x0": 2, "x1": 1, "x2": 1.5, "x3": 4, "x4": 0}), "/instances/0/x2"),
    ] {
        let problem = client::problem(ask(wrong).await.unwrap(), 422).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem:#}");
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("0 to 9"), "{problem:#}");
    }
}

#[tokio::test]
async fn a_batch_of_more_rows_than_there_are_takes_them_all() {
    let server = Server::start().await;
    let url = server.url();
    upload(url, table(3, 2, |row, column| ((row * 7 + column * 3) as f64 * 0.37).sin())).await;
    define(url, &json!({"layers": [{"type": "dense", "units": 2, "activation": "softmax"}]})).await;
    let training =
        |batch_size: Value| json!({"epochs": 3, "batch_size": batch_size, "validation_split": 0.2, "seed": 1});
    let all = train(url, training(json!("full"))).await;
    for rows in [48, 49, 1000, u64::MAX] {
        let ended = train(url, training(json!(rows))).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        assert_eq!(ended["training"]["batch_size"], json!(rows));
        assert_eq!(ended["metrics"], all["metrics"], "{rows}");
        assert_eq!(ended["summary"], all["summary"], "{rows}");
        assert_eq!(ended["progress"], all["progress"], "{rows}");
    }
}

#[tokio::test]
async fn words_without_a_vector_fail_the_job() {
    let server = Server::start().await;
    let url = server.url();
    upload(url, sentences().replace(",9,", ",12,")).await;
    define(url, &words()).await;
    let ended = train(url, json!({})).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!("invalid_data")), "{ended:#}");
    let detail = ended["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("0 to 9") && detail.contains("12"), "{detail}");
}

#[tokio::test]
async fn a_normalization_adapts_to_the_rows_of_the_job() {
    let server = Server::start().await;
    let url = server.url();
    let cell =
        |row: usize, column: usize| 10_000.0 + 2.0 * (row % 2) as f64 + 0.1 * ((row * 7 + column * 3) % 5) as f64;
    upload(url, table(2, 2, cell)).await;
    let document =
        json!({"layers": [{"type": "normalization"}, {"type": "dense", "units": 2, "activation": "softmax"}]});
    define(url, &document).await;
    let training = json!({
        "preprocessing": "none", "epochs": 30, "batch_size": 10, "seed": 1,
        "optimizer": {"type": "adam", "learning_rate": 0.1}
    });
    let ended = train(url, training).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert!(ended["metrics"]["accuracy"].as_f64().unwrap() > 0.95, "{ended:#}");
    let question = json!({"instances": [[10_002.2, 10_002.2], [10_000.2, 10_000.2]]});
    let answer = Client::new().post(format!("{url}/v1/models/m:predict")).json(&question).send().await.unwrap();
    let predicted: Value = answer.json().await.unwrap();
    assert_eq!(predicted["predictions"][0]["label"], "c1", "{predicted:#}");
    assert_eq!(predicted["predictions"][1]["label"], "c0", "{predicted:#}");
}

#[rstest]
#[case(17, "training row 17 ")]
#[case(60, "smaller learning rate")]
#[tokio::test]
async fn a_loss_that_is_nan_names_the_row_with_nothing_but_padding(#[case] padded: usize, #[case] words: &str) {
    let server = Server::start().await;
    let url = server.url();
    let cell = |row: usize, column: usize| if row == padded { 0.0 } else { ((row + column) % 9 + 1) as f64 };
    upload(url, table(6, 2, cell)).await;
    let definition = json!({"layers": [
        {"type": "embedding", "input_dim": 10, "output_dim": 8, "mask_zero": true},
        {"type": "global_average_pooling1d"},
        {"type": "dense", "units": 2, "activation": "softmax"}
    ]});
    define(url, &definition).await;
    let rate = if padded < 60 { 0.01 } else { 1e38 };
    let training = json!({"epochs": 2, "shuffle": false, "validation_split": 0.0,
                          "optimizer": {"type": "sgd", "learning_rate": rate}});
    let ended = train(url, training).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!("diverged")), "{ended:#}");
    assert!(ended["error"]["detail"].as_str().unwrap().contains(words), "{ended:#}");
}
