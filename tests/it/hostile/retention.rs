//! Jobs, events and versions can be removed.

use super::{expect, post, upload};
use crate::support::{Client, Process};
use serde_json::{Value, json};
use std::path::Path;

async fn delete(process: &Process, path: &str) -> reqwest::Response {
    Client::new().delete(format!("{}{path}", process.url())).send().await.unwrap()
}

async fn get(process: &Process, path: &str) -> reqwest::Response {
    Client::new().get(format!("{}{path}", process.url())).send().await.unwrap()
}

async fn submit(process: &Process, epochs: u32) -> String {
    let job = json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": epochs}});
    expect(post(process, "/v1/jobs", &job).await, 202).await["id"].as_str().unwrap().to_owned()
}

async fn filled(folder: &Path, flags: &[&str]) -> Process {
    let process = Process::start(folder, flags);
    upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    let definition = json!({"layers": [{"type": "dense", "units": 1}]});
    expect(post(&process, "/v1/models", &json!({"name": "m", "definition": definition})).await, 201).await;
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_versions_are_deleted_and_numbers_never_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let process = filled(folder.path(), &[]).await;
    let (first, second) = (submit(&process, 3).await, submit(&process, 3).await);
    for job in [&first, &second] {
        assert_eq!(process.wait_for_end(job).await["status"], "succeeded");
    }
    let problem = expect(delete(&process, &format!("/v1/jobs/{second}")).await, 409).await;
    assert!(
        problem["detail"].as_str().unwrap().contains("version 2 of the model \"m\": delete that first"),
        "{problem}"
    );
    let files = || std::fs::read_dir(folder.path().join("artifacts/models")).unwrap().count();
    assert_eq!(files(), 2);
    assert_eq!(delete(&process, "/v1/models/m/versions/2").await.status(), 204);
    assert_eq!(delete(&process, "/v1/models/m/versions/2").await.status(), 404);
    assert_eq!(files(), 1);
    let answer = expect(post(&process, "/v1/models/m:predict", &json!({"instances": [[1]]})).await, 200).await;
    assert_eq!(answer["version"], 1, "the latest is the one before");
    assert_eq!(delete(&process, &format!("/v1/jobs/{second}")).await.status(), 204);
    assert_eq!(get(&process, &format!("/v1/jobs/{second}")).await.status(), 404);
    assert_eq!(get(&process, &format!("/v1/jobs/{second}/events")).await.status(), 404);
    assert_eq!(delete(&process, &format!("/v1/jobs/{second}")).await.status(), 404);

    let third = submit(&process, 3).await;
    assert_eq!(process.wait_for_end(&third).await["version"], 3);
    let running = submit(&process, 1_000_000).await;
    assert_eq!(delete(&process, &format!("/v1/jobs/{running}")).await.status(), 409);
    let answer = Client::new().post(format!("{}/v1/jobs/{running}/cancel", process.url())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    process.wait_for_end(&running).await;
    assert_eq!(delete(&process, &format!("/v1/jobs/{running}")).await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_jobs_lose_their_events_and_then_themselves_when_their_days_are_over() {
    let folder = tempfile::tempdir().unwrap();
    let process = filled(folder.path(), &[]).await;
    let kept = submit(&process, 20_000).await;
    process.wait_for_end(&kept).await;
    let failed = submit(&process, 1_000_000).await;
    let answer = Client::new().post(format!("{}/v1/jobs/{failed}/cancel", process.url())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    process.wait_for_end(&failed).await;
    assert!(process.terminate().await.0.success());
    let database = folder.path().join("epoca.sqlite3");
    let before = std::fs::metadata(&database).unwrap().len();

    let process = Process::start(folder.path(), &["--keep-events-days=0", "--keep-jobs-days=0"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let events = loop {
        let events: Value = get(&process, &format!("/v1/jobs/{kept}/events?limit=100")).await.json().await.unwrap();
        let events = events["data"].as_array().unwrap().clone();
        if events.iter().all(|event| event["type"] == "status") {
            break events;
        }
        assert!(std::time::Instant::now() < until, "events stay");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let statuses: Vec<&Value> = events.iter().map(|event| &event["data"]["status"]).collect();
    assert_eq!(statuses, ["queued", "running", "succeeded"]);
    assert_eq!(get(&process, &format!("/v1/jobs/{kept}")).await.status(), 200, "a version is its result");
    assert_eq!(get(&process, &format!("/v1/jobs/{failed}")).await.status(), 404);
    assert!(process.terminate().await.0.success());
    let after = std::fs::metadata(&database).unwrap().len();
    assert!(after * 2 < before, "its space is given back: {before} to {after} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_the_audit_log_are_removed_when_their_days_are_over() {
    let folder = tempfile::tempdir().unwrap();
    let process = filled(folder.path(), &[]).await;
    let entries = async |process: &Process| {
        let page: Value = get(process, "/v1/audit").await.json().await.unwrap();
        page["data"].as_array().unwrap().len()
    };
    assert_eq!(entries(&process).await, 2, "a dataset and a model");
    assert!(process.terminate().await.0.success());
    let process = Process::start(folder.path(), &["--keep-audit-days=30"]);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(entries(&process).await, 2, "they are young");
    assert!(process.terminate().await.0.success());
    let process = Process::start(folder.path(), &["--keep-audit-days=0"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while entries(&process).await > 0 {
        assert!(std::time::Instant::now() < until, "entries stay");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
