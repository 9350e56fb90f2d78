//! Keras models that are refused say why, and what stands in another envelope is the same model.

use crate::support::{Client, Server};
use epoca::{engine::field::FieldError, keras};
use flate2::read::GzDecoder;
use rstest::rstest;
use serde_json::{Value, json};
use std::fs::File;

fn refuse(model: &Value) -> Vec<FieldError> {
    keras::import(model).expect_err("the model must be refused")
}

/// A Sequential model of 4 numbers whose layers are these.
fn sequential(layers: Value) -> Value {
    let input = json!({"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "input"}});
    let mut all = vec![input];
    all.extend(layers.as_array().unwrap().iter().cloned());
    json!({"class_name": "Sequential", "config": {"name": "model", "layers": all}})
}

#[rstest]
#[case("Hashing", &["hash", "IntegerLookup"])]
#[case("StringLookup", &["strings", "Embedding"])]
#[case("TextVectorization", &["strings"])]
#[case("GroupQueryAttention", &["MultiHeadAttention"])]
#[case("RandomCrop", &["CenterCrop"])]
#[case("RandomHue", &["RandomBrightness"])]
#[case("MixUp", &["rows"])]
#[case("LSTMCell", &["RNN layer"])]
#[case("LocallyConnected1D", &["Conv1D"])]
#[case("Lambda", &["code"])]
fn a_known_layer_is_refused_with_the_reason_of_the_page(#[case] class: &str, #[case] words: &[&str]) {
    let errors = refuse(&sequential(json!([{"class_name": class, "config": {"name": "layer"}}])));
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(error.pointer, "/config/layers/1/class_name");
    assert!(error.detail.contains(&format!("layer class `{class}` is not supported")), "{error}");
    assert!(words.iter().all(|word| error.detail.contains(word)), "{error}");
    let (_, reason) = error.detail.split_once("not supported: ").unwrap();
    let page = include_str!("../../docs/KERAS.md");
    let row =
        page.lines().find(|line| line.contains(&format!("`{class}`")) && line.ends_with(&format!("| {reason} |")));
    assert!(row.is_some(), "docs/KERAS.md has no row of {class} with {reason:?}");
}

#[rstest]
#[case("loss", json!({"class_name": "Circle", "config": {}}), "rows of a batch")]
#[case("loss", json!({"class_name": "CTC", "config": {}}), "one length")]
#[case("metrics", json!([{"class_name": "Accuracy", "config": {}}]), "equality")]
#[case("optimizer", json!({"class_name": "ScheduleFreeAdamW", "config": {}}), "AdamW")]
fn what_compile_names_is_refused_with_the_reason(#[case] argument: &str, #[case] value: Value, #[case] word: &str) {
    let mut model = sequential(json!([{"class_name": "Dense", "config": {"units": 1, "name": "dense"}}]));
    model["compile_config"] = json!({"optimizer": "sgd", "loss": "mse"});
    model["compile_config"][argument] = value;
    let errors = refuse(&model);
    let named = errors.iter().find(|error| error.pointer.starts_with(&format!("/compile_config/{argument}")));
    assert!(named.is_some_and(|error| error.detail.contains(word)), "{errors:?}");
}

#[test]
fn the_delta_of_huber_that_keras_3_does_not_print_is_warned_of() {
    let mut model = sequential(json!([{"class_name": "Dense", "config": {"units": 1, "name": "dense"}}]));
    let huber = |config: Value| json!({"module": "keras.losses", "class_name": "Huber", "config": config});
    let mut warned = |loss: Value| {
        model["compile_config"] = json!({"optimizer": "sgd", "loss": loss});
        let (_, compiled) = keras::import(&model).unwrap();
        compiled.warnings.into_iter().map(|warning| (warning.code, warning.pointer)).collect::<Vec<_>>()
    };
    let silent = json!({"name": "huber_loss", "reduction": "sum_over_batch_size"});
    assert_eq!(warned(huber(silent)), [("huber_delta_unknown", "/compile_config/loss".to_owned())]);
    assert_eq!(warned(huber(json!({"reduction": "auto", "delta": 2.0, "fn": "huber"}))), []);
    assert_eq!(warned(json!("huber")), []);
}

#[test]
fn keras_1_is_named() {
    let dense = json!({"class_name": "Dense", "config": {"output_dim": 3, "init": "glorot_uniform", "input_dim": 4}});
    let mut model = json!({"class_name": "Sequential", "config": [dense]});
    let errors = refuse(&model);
    assert!(errors.len() == 1 && errors[0].detail.contains("Keras 1"), "{errors:?}");
    model["keras_version"] = json!("1.2.2");
    let errors = refuse(&model);
    assert_eq!((errors.len(), errors[0].pointer.as_str()), (1, "/keras_version"), "{errors:?}");
    assert!(errors[0].detail.contains("Keras 1.2.2") && errors[0].detail.contains("Keras 2 or 3"), "{errors:?}");
}

/// A Functional model of an input and of Dense layers, each with the name of what it reads.
fn graph(reads: &[(&str, &str)], output: &str) -> Value {
    let input = json!({"class_name": "InputLayer", "name": "input", "inbound_nodes": [],
                       "config": {"batch_input_shape": [null, 4], "dtype": "float32", "sparse": false, "name": "input"}});
    let dense = |(name, read): &(&str, &str)| {
        json!({"class_name": "Dense", "name": name, "config": {"name": name, "units": 4, "activation": "relu"},
               "inbound_nodes": [[[read, 0, 0, {}]]]})
    };
    let layers: Vec<Value> = std::iter::once(input).chain(reads.iter().map(dense)).collect();
    json!({"class_name": "Functional", "keras_version": "2.15.0", "config": {
        "name": "graph", "layers": layers, "input_layers": [["input", 0, 0]], "output_layers": [[output, 0, 0]]}})
}

#[rstest]
#[case(&[("a", "a")], "a")]
#[case(&[("a", "input"), ("b", "b")], "a")]
#[case(&[("a", "b"), ("b", "a")], "b")]
#[case(&[("a", "c"), ("b", "a"), ("c", "b"), ("d", "input")], "d")]
fn layers_that_read_each_other_are_refused(#[case] reads: &[(&str, &str)], #[case] output: &str) {
    let errors = refuse(&graph(reads, output));
    let named = |error: &FieldError| {
        error.pointer.starts_with("/config/layers")
            && reads.iter().any(|(name, _)| error.detail.contains(&format!("`{name}`")))
    };
    assert!(errors.iter().any(named), "{errors:?}");
    let straight = graph(&[("a", "input"), ("b", "a")], "b");
    assert!(keras::import(&straight).is_ok());
}

#[tokio::test]
async fn forty_unknown_layers_are_one_short_answer_with_their_count() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/applications/keras-InceptionResNetV2.json.gz");
    let mut model: Value = serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
    let layers = model["config"]["layers"].as_array_mut().unwrap();
    let replaced = layers.iter_mut().filter(|layer| layer["class_name"] == "CustomScaleLayer").take(40);
    let count = replaced.fold(0, |count, layer| {
        layer["class_name"] = json!("ScaleOfMine");
        layer["config"] = json!({"name": layer["config"]["name"], "factor": 0.17});
        count + 1
    });
    assert_eq!(count, 40);
    let server = Server::start().await;
    let model = json!({"name": "inception", "definition": model});
    let answer = Client::new().post(format!("{}/v1/models", server.url())).json(&model).send().await.unwrap();
    assert_eq!(answer.status(), 422);
    let body = answer.text().await.unwrap();
    assert!(body.len() < 8 << 10, "{} bytes", body.len());
    assert!(body.contains("40 layers of class `ScaleOfMine`"), "{body}");
}
