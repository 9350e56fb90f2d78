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

/// What a job does when it is cancelled.
struct Phase {
    what: &'static str,
    table: String,
    definition: Value,
    /// Beside model, dataset and target.
    job: Value,
    /// Epochs that have ended when the phase begins; `None` where it begins before the first step.
    after: Option<u64>,
}

/// A table of columns `x`, `part` and `y`: 4 rows train, and `rows` rows are of `part`.
fn parts(rows: usize, part: &str) -> String {
    let row = |row: usize| format!("{},{},{}\n", row % 7, if row < 4 { "train" } else { part }, row % 2);
    "x,part,y\n".to_owned() + &(0..rows + 4).map(row).collect::<String>()
}

/// 9 million multiply-adds a row.
fn wide(last: Value) -> Value {
    json!({"layers": [{"type": "dense", "units": 3000}, {"type": "dense", "units": 3000}, last]})
}

/// Each takes half a minute or more where the binary is optimized as little as that of the tests.
fn phases() -> Vec<Phase> {
    const ROWS: usize = 60_000;
    let one = json!({"type": "dense", "units": 1});
    let by_part = json!({"method": "column", "column": "part"});
    let normalized =
        (0..6).flat_map(|_| [json!({"type": "dense", "units": 2000}), json!({"type": "batch_normalization"})]);
    let categories = (0..8).map(|column| format!("c{column}")).collect::<Vec<_>>();
    let row = |row: usize| {
        let cells = (0..8).map(|column| format!("v{},", (row * (column + 3)) % (20 + column)));
        cells.collect::<String>() + &format!("class-{}\n", row * 31 % 100)
    };
    vec![
        Phase {
            what: "a validation pass",
            table: parts(ROWS, "validation"),
            definition: wide(one.clone()),
            job: json!({"features": ["x"], "split": by_part, "training": {"epochs": 100, "batch_size": 4}}),
            after: Some(0),
        },
        Phase {
            what: "a step over all rows",
            table: parts(ROWS, "train"),
            definition: wide(one.clone()),
            job: json!({"features": ["x"], "training": {"epochs": 100, "batch_size": ROWS}}),
            after: Some(0),
        },
        Phase {
            what: "a step over all rows whose results depend on the batch",
            table: parts(4000, "train"),
            definition: json!({"layers": normalized.chain([one.clone()]).collect::<Vec<_>>()}),
            job: json!({"features": ["x"], "training": {"epochs": 100, "batch_size": 4000}}),
            after: Some(0),
        },
        Phase {
            what: "a step over long sequences",
            table: parts(128, "train"),
            definition: json!({"layers": [{"type": "repeat_vector", "n": 500}, {"type": "lstm", "units": 512}, one]}),
            job: json!({"features": ["x"], "training": {"epochs": 100, "batch_size": 128}}),
            after: Some(0),
        },
        Phase {
            what: "the evaluation of the test rows",
            table: parts(ROWS, "test"),
            definition: wide(one),
            job: json!({"features": ["x"], "split": by_part, "training": {"epochs": 1, "batch_size": 4}}),
            after: Some(1),
        },
        Phase {
            what: "the confusion matrix",
            table: parts(ROWS, "train").replace(",1\n", ",yes\n").replace(",0\n", ",no\n"),
            definition: wide(json!({"type": "dense", "units": 2, "activation": "softmax"})),
            job: json!({"features": ["x"], "training": {"epochs": 1, "batch_size": 4, "steps_per_epoch": 1}}),
            after: Some(1),
        },
        Phase {
            what: "predictions by many neighbours",
            table: "a,b,y\n".to_owned()
                + &(0..30_000).map(|row| format!("{},{},{}\n", row * 7919 % 10_007, row, row % 13)).collect::<String>(),
            definition: json!({"type": "k_neighbors", "n_neighbors": 15_000}),
            job: json!({"task": "regression"}),
            after: None,
        },
        Phase {
            what: "the fit of the recipe",
            table: categories.join(",") + ",y\n" + &(0..20_000).map(row).collect::<String>(),
            definition: json!({"layers": [{"type": "dense", "units": 100, "activation": "softmax"}]}),
            job: json!({"training": {"epochs": 1}, "preprocessing": {"columns": categories.iter().map(|name| {
                (name.clone(), json!({"encode": {"type": "target", "cv": 100}}))
            }).collect::<serde_json::Map<_, _>>()}}),
            after: None,
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_in_every_phase() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--max-memory=8G"]);
    for (index, Phase { what, table, definition, job, after }) in phases().into_iter().enumerate() {
        let name = format!("p{index}");
        upload(&process, &name, table).await;
        let model = json!({"name": name, "definition": definition});
        expect(post(&process, "/v1/models", &model).await, 201).await;
        let mut request = json!({"model": name, "dataset": name, "target": "y"});
        request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
        let job = expect(post(&process, "/v1/jobs", &request).await, 202).await;
        let id = job["id"].as_str().unwrap().to_owned();
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let job = status(&process, &id).await;
            assert!(["queued", "running"].contains(&job["status"].as_str().unwrap()), "{what}: {job:#}");
            let has_begun = match after {
                None => job["status"] == "running",
                Some(epochs) => !job["timing"]["training_seconds"].is_null() && job["progress"]["epoch"] == epochs,
            };
            if has_begun {
                break;
            }
            assert!(Instant::now() < until, "{what} does not begin: {job:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let asked = Instant::now();
        let answer = Client::new().post(format!("{}/v1/jobs/{id}/cancel", process.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{what}");
        let job = process.wait_for_end(&id).await;
        assert_eq!((&job["status"], &job["version"]), (&json!("cancelled"), &Value::Null), "{what}: {job:#}");
        assert!(asked.elapsed() < SOON, "{what} went on for {:?}", asked.elapsed());
        if let Some(epochs) = after {
            assert_eq!(job["progress"]["epoch"], epochs, "{what} was over: {job:#}");
        }
    }
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
