//! Requests that once ended the process, and what the machine may do to it: the real binary survives each, with little memory.

mod abandoned;
mod cancelling;
mod full_disk;
mod hints;
mod load;
mod memory;
mod nesting;
mod retention;
mod safekeeping;
mod silence;
mod unwritable;

use crate::support::{Client, Process};
use reqwest::Response;
use serde_json::{Value, json};
use std::path::Path;

/// Address space of the process: a regression fails there instead of swapping.
const ADDRESS_SPACE: u64 = 3 << 30;

/// Memory for requests and jobs: what the process itself takes is not in it.
const MEMORY: &str = "--max-memory=1G";

fn start(folder: &Path, flags: &[&str]) -> Process {
    start_with(MEMORY, folder, flags)
}

fn start_with(memory: &str, folder: &Path, flags: &[&str]) -> Process {
    Process::start_within(ADDRESS_SPACE, folder, &[&[memory][..], flags].concat())
}

async fn post(process: &Process, path: &str, body: &Value) -> Response {
    Client::new().post(format!("{}{path}", process.url())).json(body).send().await.unwrap()
}

/// The answer's JSON; it must have this status.
async fn expect(answer: Response, status: u16) -> Value {
    let received = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert_eq!(received, status, "{text:.2000}");
    serde_json::from_str(&text).unwrap()
}

async fn is_alive(process: &Process) {
    let answer = Client::new().get(format!("{}/livez", process.url())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

async fn upload(process: &Process, name: &str, csv: String) -> Value {
    let request = Client::new().post(format!("{}/v1/datasets?name={name}", process.url()));
    expect(request.header("content-type", "text/csv").body(csv).send().await.unwrap(), 201).await
}

/// Trains a model of these layers on `y` of the dataset `data`, and returns the job at its end.
async fn train(process: &Process, name: &str, layers: Value, data: &str, training: Value) -> Value {
    let model = json!({"name": name, "definition": {"layers": layers}});
    expect(post(process, "/v1/models", &model).await, 201).await;
    let job = json!({"model": name, "dataset": data, "target": "y", "training": training});
    let job = expect(post(process, "/v1/jobs", &job).await, 202).await;
    process.wait_for_end(job["id"].as_str().unwrap()).await
}
