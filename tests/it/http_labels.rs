//! Classes of each step, as indices and as text, and more classes than a summary lists.

use crate::support::{Client, Server, client};
use serde_json::{Value, json};

const TAGS: [&str; 3] = ["LOC", "O", "PER"];

async fn post(client: &Client, url: &str, body: &Value) -> Value {
    let answer = client.post(url).json(body).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{body:#}");
    body
}

/// Sentences of three words; tag t of a word w is w % 3, but that the first word is never a `PER`.
fn sentences(tag: impl Fn(usize) -> Value) -> Value {
    let row = |index: usize| {
        let words = [index % 5, (index * 3 + 1) % 6, (index * 5 + 2) % 6];
        let class = |step: usize| if step == 0 { words[0] % 2 } else { words[step] % 3 };
        json!({"w0": words[0], "w1": words[1], "w2": words[2],
               "t0": tag(class(0)), "t1": tag(class(1)), "t2": tag(class(2))})
    };
    (0..24).map(row).collect()
}

fn tagger(units: usize) -> Value {
    json!({"input_shape": [3], "layers": [
        {"type": "embedding", "input_dim": 6, "output_dim": 8},
        {"type": "dense", "units": units, "activation": "softmax"}
    ]})
}

#[tokio::test]
async fn tags_are_text_or_indices_alike() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    let question = json!({"instances": [[1, 4, 5], {"w0": 0, "w1": 3, "w2": 2}]});
    let mut answers = Vec::new();
    for name in ["index", "text"] {
        let rows = if name == "text" { sentences(|class| json!(TAGS[class])) } else { sentences(|class| json!(class)) };
        post(&client, &format!("{url}/v1/datasets?name={name}"), &rows).await;
        post(&client, &format!("{url}/v1/models"), &json!({"name": name, "definition": tagger(3)})).await;
        let job = json!({"model": name, "dataset": name, "features": ["w0", "w1", "w2"], "target": ["t0", "t1", "t2"],
            "training": {"epochs": 200, "batch_size": 6, "validation_split": 0.25, "seed": 3,
                         "optimizer": {"type": "adam", "learning_rate": 0.03}}});
        let job = post(&client, &format!("{url}/v1/jobs"), &job).await;
        assert_eq!(job["task"], "multiclass_classification");
        assert_eq!(job["training"]["loss"]["type"], "sparse_categorical_crossentropy");
        let ended = client::wait_for_end(url, job["id"].as_str().unwrap()).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        let predicted = post(&client, &format!("{url}/v1/models/{name}:predict"), &question).await;
        answers.push((ended["metrics"].clone(), predicted["predictions"].clone()));
    }
    let [(metrics, by_index), (text_metrics, by_text)] = <[_; 2]>::try_from(answers).unwrap();
    assert_eq!(metrics, text_metrics);
    assert!(metrics["accuracy"].as_f64().unwrap() > 0.8, "{metrics}");
    let (by_index, by_text) = (by_index.as_array().unwrap(), by_text.as_array().unwrap());
    assert!(!by_index.is_empty());
    assert_eq!(by_index.len(), by_text.len());
    for (by_index, by_text) in by_index.iter().zip(by_text) {
        assert_eq!(by_index["probabilities"], by_text["probabilities"]);
        assert_eq!(by_index["probabilities"].as_array().unwrap().len(), 3);
        let named: Vec<&str> =
            by_index["labels"].as_array().unwrap().iter().map(|class| TAGS[class.as_u64().unwrap() as usize]).collect();
        assert_eq!(by_text["labels"], json!(named));
    }
    assert_eq!(by_text[0]["labels"][1], "O", "{by_text:?}");
}

#[tokio::test]
async fn tags_that_do_not_fit_are_named() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    post(&client, &format!("{url}/v1/datasets?name=text"), &sentences(|class| json!(TAGS[class]))).await;
    post(&client, &format!("{url}/v1/datasets?name=index"), &sentences(|class| json!(class + 2))).await;
    for (units, dataset, pointer, part) in [
        (5, "text", "/model", "(LOC, O, PER), received 5"),
        (4, "index", "/target/2", "\"t2\" has numbers from 2 to 4"),
    ] {
        let name = format!("of{units}");
        post(&client, &format!("{url}/v1/models"), &json!({"name": name, "definition": tagger(units)})).await;
        let job = json!({"model": name, "dataset": dataset, "features": ["w0", "w1", "w2"], "target": ["t0", "t1", "t2"],
            "training": {"loss": "sparse_categorical_crossentropy"}});
        let answer = client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap();
        let problem = client::problem(answer, 422).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem:#}");
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(part), "{problem:#}");
    }
}

#[tokio::test]
async fn more_classes_than_are_listed_are_indices() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    let rows: Value = (0..1200).map(|index| json!({"x": index as f64 / 1200.0, "next": index * 7 % 1200})).collect();
    post(&client, &format!("{url}/v1/datasets?name=words"), &rows).await;
    let definition = json!({"layers": [{"type": "dense", "units": 1300, "activation": "softmax"}]});
    post(&client, &format!("{url}/v1/models"), &json!({"name": "next", "definition": definition})).await;
    let job = json!({"model": "next", "dataset": "words", "target": "next", "training": {"batch_size": 100}});
    let job = post(&client, &format!("{url}/v1/jobs"), &job).await;
    assert_eq!(job["training"]["loss"]["type"], "sparse_categorical_crossentropy", "{job:#}");
    let ended = client::wait_for_end(url, job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert!((ended["metrics"]["loss"].as_f64().unwrap() - 1300f64.ln()).abs() < 0.2, "{ended:#}");
    let predicted = post(&client, &format!("{url}/v1/models/next:predict"), &json!({"instances": [{"x": 0.5}]})).await;
    assert_eq!(predicted["predictions"][0]["probabilities"].as_object().unwrap().len(), 1300);
}
