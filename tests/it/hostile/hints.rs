//! Wrong names that are long, or many: an answer with hints takes no more time and memory than one without.

use super::{expect, is_alive, post, start, upload};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The answer to a wrong request, which must come soon and be small.
async fn refused(process: &crate::support::Process, path: &str, body: &Value) -> Value {
    let started = Instant::now();
    let answer = post(process, path, body).await;
    assert!(started.elapsed() < Duration::from_secs(30), "{path}: {:?}", started.elapsed());
    let problem = expect(answer, 422).await;
    assert!(problem.to_string().len() < 150_000, "{path}: {} bytes", problem.to_string().len());
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn long_wrong_names_are_cut_and_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    // Comparing two names of this length takes minutes.
    let long = "a".repeat(40_000);
    upload(&process, "d", format!("{long},b,y\n1,2,3\n4,5,6\n7,8,8\n")).await;
    let definition = json!({"layers": [{"type": "dense", "units": 1}]});
    expect(post(&process, "/v1/models", &json!({"name": "m", "definition": definition})).await, 201).await;
    let job = json!({"model": "m", "dataset": "d", "target": format!("b{long}")});
    let problem = refused(&process, "/v1/jobs", &job).await;
    assert_eq!(problem["errors"][0]["pointer"], "/target", "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().contains("… ("), "{problem:#}");
    let huge = "x".repeat(2 << 20);
    let mut tried = 0;
    for (path, body) in [
        ("/v1/jobs", json!({"model": "m", "dataset": "d", "target": huge})),
        ("/v1/jobs", json!({"model": "m", "dataset": "d", "target": "y", "training": {"optimizer": huge}})),
        ("/v1/jobs", json!({"model": "m", "dataset": "d", "target": "y", &huge: 1})),
        ("/v1/models", json!({"name": "n", "definition": {"type": huge}})),
        ("/v1/models", json!({"name": "n", "definition": {"layers": [{"type": huge}]}})),
        (
            "/v1/models",
            json!({"name": "n", "definition": {"layers": [{"type": "dense", "units": 1, "activation": huge}]}}),
        ),
        ("/v1/models", json!({"name": "n", "definition": {"layers": [{"type": "dense", "units": 1, &huge: 1}]}})),
    ] {
        refused(&process, path, &body).await;
        tried += 1;
    }
    assert_eq!(tried, 7);
    is_alive(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_errors_have_hints() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let names = |word: &str| (0..4000).map(|number| format!("{word}_{number:0>20}")).collect::<Vec<_>>();
    let rows: String = ["1", "2", "4"].map(|cell| vec![cell; 4000].join(",") + "\n").concat();
    upload(&process, "wide", format!("{}\n{rows}", names("column").join(","))).await;
    let definition = json!({"layers": [{"type": "dense", "units": 1}]});
    expect(post(&process, "/v1/models", &json!({"name": "m", "definition": definition})).await, 201).await;
    let target = names("column")[7].clone();
    let wrong = names("colunn");
    let job = json!({"model": "m", "dataset": "wide", "target": target, "features": wrong});
    let problem = refused(&process, "/v1/jobs", &job).await;
    assert!(problem["detail"].as_str().unwrap().contains("of which 20 are listed"), "{problem:#}");
    let first = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(first.ends_with(&format!("did you mean {:?}?", names("column")[0])), "{first}");
    let columns: serde_json::Map<String, Value> = wrong.iter().map(|name| (name.clone(), json!({}))).collect();
    let job = json!({"model": "m", "dataset": "wide", "target": target, "preprocessing": {"columns": columns}});
    refused(&process, "/v1/jobs", &job).await;
    // Inputs of layers.
    let mut layers: Vec<Value> =
        (0..1900).map(|number| json!({"type": "dense", "units": 1, "name": format!("layer_{number:0>20}")})).collect();
    layers.push(json!({"type": "add", "name": "sum", "inputs": ["layer_1"]}));
    let outputs = names("laier");
    let model = json!({"name": "n", "definition": {"inputs": ["a"], "layers": layers, "outputs": outputs}});
    refused(&process, "/v1/models", &model).await;
    // Objects by name, fields of Keras, and keys of a record.
    let many: serde_json::Map<String, Value> =
        (0..100_000).map(|number| (format!("name_{number}"), json!(["a"]))).collect();
    for field in ["inputs", "target", "task"] {
        let mut job = json!({"model": "m", "dataset": "wide", "target": target});
        job[field] = json!(many);
        refused(&process, "/v1/jobs", &job).await;
    }
    let mut keras = json!({"class_name": "Sequential", "config": {"name": "s", "layers": []}});
    keras.as_object_mut().unwrap().extend(many.clone());
    refused(&process, "/v1/models", &json!({"name": "n", "definition": keras})).await;
    let job = json!({"model": "m", "dataset": "wide", "target": target, "training": {"epochs": 1}, "baselines": false});
    let job = expect(post(&process, "/v1/jobs", &job).await, 202).await;
    let job = process.wait_for_end(job["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    refused(&process, "/v1/models/m:predict", &json!({"instances": [many]})).await;
    is_alive(&process).await;
}
