//! A job ends soon after it is asked to, whatever it does.

use super::{expect, post, upload};
use crate::support::{Client, Process};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// The binary of the tests is not optimized; the service looks at the flag every few milliseconds.
const SOON: Duration = Duration::from_millis(1500);

/// A job that initializes for minutes, once it has begun.
async fn initializing(folder: &Path) -> (Process, String) {
    let process = Process::start(folder, &["--max-memory=8G"]);
    let header: Vec<String> = (0..40).map(|column| format!("c{column}")).collect();
    let row: Vec<String> = (0..40).map(|column| column.to_string()).collect();
    upload(&process, "d", format!("{},y\n{},1\n{},2\n", header.join(","), row.join(","), row.join(","))).await;
    let layers = json!([{"type": "dense", "units": 4000},
        {"type": "dense", "units": 4000, "kernel_initializer": "orthogonal"}, {"type": "dense", "units": 1}]);
    let model = json!({"name": "m", "definition": {"layers": layers}});
    expect(post(&process, "/v1/models", &model).await, 201).await;
    let job = json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": 1, "batch_size": 1}});
    let job = expect(post(&process, "/v1/jobs", &job).await, 202).await;
    let memory = &job["summary"]["memory"];
    assert!(
        memory["other_phases_bytes"].as_u64().unwrap() >= 8 * 4000 * 4000,
        "what it takes is said before: {memory}"
    );
    let id = job["id"].as_str().unwrap().to_owned();
    let until = Instant::now() + Duration::from_secs(60);
    while status(&process, &id).await["status"] != "running" {
        assert!(Instant::now() < until, "it does not begin");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    (process, id)
}

async fn status(process: &Process, id: &str) -> Value {
    expect(Client::new().get(format!("{}/v1/jobs/{id}", process.url())).send().await.unwrap(), 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_while_it_initializes() {
    let folder = tempfile::tempdir().unwrap();
    let (process, id) = initializing(folder.path()).await;
    let asked = Instant::now();
    let answer = Client::new().post(format!("{}/v1/jobs/{id}/cancel", process.url())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(process.wait_for_end(&id).await["status"], "cancelled");
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_ends_while_a_job_initializes() {
    let folder = tempfile::tempdir().unwrap();
    let (process, id) = initializing(folder.path()).await;
    let (ended, took) = process.terminate().await;
    assert!(ended.success() && took < SOON, "{ended} {took:?}");
    let process = Process::start(folder.path(), &["--max-memory=8G"]);
    let job = status(&process, &id).await;
    assert!(["queued", "running"].contains(&job["status"].as_str().unwrap()), "{job:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initializer_that_takes_minutes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &[]);
    let layers = json!([{"type": "dense", "units": 9000},
        {"type": "dense", "units": 9000, "kernel_initializer": "orthogonal"}, {"type": "dense", "units": 1}]);
    let model = json!({"name": "m", "definition": {"input_shape": [4], "layers": layers}});
    let problem = expect(post(&process, "/v1/models", &model).await, 422).await;
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/definition/layers/1/kernel_initializer", "{problem:#}");
    assert!(error["detail"].as_str().unwrap().contains("which takes 1.5e12"), "{error}");
}
