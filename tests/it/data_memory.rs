//! The memory of a job's data is known before it is taken.

use crate::support::{Client, Process, Server, client::problem, tables::Tables};
use reqwest::Response;
use serde_json::{Value, json};

async fn created(answer: Response) -> Value {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body:#}");
    body
}

/// One category of 4,000 levels in 300,000 rows would take 4.8 GB as a matrix.
#[tokio::test(flavor = "multi_thread")]
async fn a_category_of_many_levels_costs_its_codes() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start_within(4 << 30, folder.path(), &["--max-model-memory-bytes", "1000000000"]);
    let (client, url) = (Client::new(), process.url());
    let csv: String = (0..300_000).map(|row| format!("u{},{}\n", row * 7 % 4000, row * 7 % 4000 % 2)).collect();
    let upload = client.post(format!("{url}/v1/datasets?name=t")).header("content-type", "text/csv");
    created(upload.body(format!("u,y\n{csv}")).send().await.unwrap()).await;
    let layers = json!([{"type": "dense", "units": 1, "activation": "sigmoid"}]);
    let model = json!({"name": "m", "definition": {"layers": layers}});
    created(client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap()).await;
    let training = json!({"epochs": 2, "batch_size": 1000, "optimizer": {"type": "adam", "learning_rate": 0.1}});
    let job = json!({"model": "m", "dataset": "t", "target": "y", "training": training});
    let job = created(client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap()).await;
    let peak = job["summary"]["memory"]["peak_bytes"].as_u64().unwrap();
    assert!(peak < 100_000_000, "{peak}");
    let job = process.wait_for_end(job["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let instances = json!({"instances": [["u1"], ["u3998"]]});
    let answer = client.post(format!("{url}/v1/models/m:predict")).json(&instances).send().await.unwrap();
    let answer = created(answer).await;
    assert_eq!((&answer["predictions"][0]["label"], &answer["predictions"][1]["label"]), (&json!(1), &json!(0)));
    // many rows at once do not take a matrix either
    let many: Vec<Value> = (0..20_000).map(|row| json!([format!("u{}", row % 4000)])).collect();
    let answer = client.post(format!("{url}/v1/models/m:predict")).json(&json!({"instances": many})).send();
    let answer = created(answer.await.unwrap()).await;
    assert!(answer["predictions"].as_array().unwrap().iter().enumerate().all(|(row, it)| it["label"] == row % 2));
}

#[tokio::test]
async fn a_job_whose_data_takes_more_than_the_limit_is_refused_with_both_numbers() {
    let server = Server::with(|config| config.limits.max_model_memory_bytes = 16_500_000).await;
    let tables = Tables { server, client: Client::new() };
    let url = tables.server.url();
    let csv: String = (0..100_000).map(|row| format!("{row},{},{}\n", row % 3, row % 2)).collect();
    tables.csv("t", &format!("a,b,y\n{csv}")).await;
    let layers = json!([{"type": "dense", "units": 1, "activation": "sigmoid"}]);
    let model = json!({"name": "t", "definition": {"layers": layers}});
    created(tables.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap()).await;
    let job = json!({"model": "t", "dataset": "t", "target": "y"});
    let answer = tables.client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap();
    let problem = problem(answer, 422).await;
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/dataset", "{problem:#}");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("at most 16500000 bytes") && detail.contains("100000 rows of 3 columns"), "{detail}");
    let fewer = json!({"model": "t", "dataset": "t", "target": "y", "features": ["a"], "training": {"epochs": 1}});
    created(tables.client.post(format!("{url}/v1/jobs")).json(&fewer).send().await.unwrap()).await;
}
