//! `kill -9` of the real binary: nothing that was acknowledged is lost, nothing is left broken.

use crate::support::Client;
use crate::support::{
    Process, client,
    worker_setup::{line, linear},
};
use epoca::store::{open::open, sqlite::SqliteStore};
use reqwest::Response;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

async fn post(url: &str, path: &str, body: Value) -> Response {
    Client::new().post(format!("{url}{path}")).json(&body).send().await.unwrap()
}

async fn upload(url: &str, name: &str, csv: String) -> reqwest::Result<Response> {
    let request = Client::new().post(format!("{url}/v1/datasets?name={name}")).header("content-type", "text/csv");
    request.body(csv).send().await
}

/// So many that a slow client kills the service before the last one.
const EPOCHS: u32 = 6000;

async fn get(url: &str, path: &str) -> Value {
    Client::new().get(format!("{url}{path}")).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

async fn created(answer: Response) -> Value {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body:#}");
    body
}

/// A service with the dataset `d`, the model `m` and a job of both with so many epochs.
async fn submitted(folder: &Path, epochs: u32) -> (Process, String) {
    let process = Process::start(folder, &[]);
    created(upload(process.url(), "d", line(500)).await.unwrap()).await;
    created(post(process.url(), "/v1/models", json!({"name": "m", "definition": linear()})).await).await;
    let training = json!({"epochs": epochs, "batch_size": 4});
    let job = json!({"model": "m", "dataset": "d", "target": "y", "training": training});
    let job = created(post(process.url(), "/v1/jobs", job).await).await;
    let id = job["id"].as_str().unwrap().to_owned();
    (process, id)
}

/// The job's events, whose ids must be 1, 2, 3 …
async fn events(url: &str, id: &str) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let page = get(url, &format!("/v1/jobs/{id}/events?after={}&limit=100", events.len())).await;
        let page = page["data"].as_array().unwrap().clone();
        if page.is_empty() {
            return events;
        }
        for event in page {
            assert_eq!(event["id"], events.len() as u64 + 1);
            events.push(event);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_process_is_killed_is_run_again_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (process, id) = submitted(folder.path(), EPOCHS).await;
    let mut live = client::Events::open(process.url(), &id, None).await;
    let mut last = 0;
    loop {
        let event = live.next().await.unwrap();
        last = event.id.unwrap_or(last);
        if event.name == "epoch" {
            break;
        }
    }
    process.kill();

    let process = Process::start(folder.path(), &[]);
    let resumed = client::Events::open(process.url(), &id, Some(last)).await.kept().await;
    let ids: Vec<u64> = resumed.iter().filter_map(|event| event.id).collect();
    assert_eq!(ids, (last + 1..=last + ids.len() as u64).collect::<Vec<_>>(), "nothing twice, nothing missing");
    let job = process.wait_for_end(&id).await;
    assert_eq!(
        (&job["status"], &job["attempt"], &job["version"]),
        (&json!("succeeded"), &json!(2), &json!(1)),
        "{job:#}"
    );

    let events = events(process.url(), &id).await;
    assert_eq!(events.len() as u64, last + ids.len() as u64);
    let statuses: Vec<_> =
        events.iter().filter(|event| event["type"] == "status").map(|event| &event["data"]["status"]).collect();
    assert_eq!(statuses, ["queued", "running", "queued", "running", "succeeded"]);
    let again = events.iter().rposition(|event| event["data"]["status"] == "running").unwrap();
    let epochs = events[again..].iter().filter_map(|event| event["data"]["epoch"].as_u64());
    assert!(epochs.eq(1..=u64::from(EPOCHS)), "the second attempt starts from the first epoch");
    assert!(
        events.iter().any(|event| event["data"]["text"].as_str().is_some_and(|text| text.contains("attempt 2 of 3")))
    );
    let answer = post(process.url(), "/v1/models/m:predict", json!({"instances": [[0.0, 0.0]]})).await;
    let predicted = created(answer).await["predictions"][0]["value"].as_f64().unwrap();
    assert!((predicted - 1.0).abs() < 0.05, "y = 2 a - b + 1 at 0, 0: {predicted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_process_each_time_fails_at_last() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, id) = submitted(folder.path(), 1_000_000).await;
    for attempt in 1..=3 {
        let until = std::time::Instant::now() + Duration::from_secs(30);
        while get(process.url(), &format!("/v1/jobs/{id}")).await["status"] != "running" {
            assert!(std::time::Instant::now() < until, "attempt {attempt} does not begin");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process.kill();
        process = Process::start(folder.path(), &[]);
    }
    let job = get(process.url(), &format!("/v1/jobs/{id}")).await;
    assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("attempts_exhausted")), "{job:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    crate::support::contract::warm_up(&[("/v1/datasets", "post", "201")]);
    let is_any_acknowledged = || !acknowledged.lock().unwrap().is_empty();
    // More rounds, each longer, on a machine that is too slow to answer within the first six.
    for round in (0..60u64).take_while(|&round| round < 6 || !is_any_acknowledged()) {
        let process = Process::start(folder.path(), &[]);
        let url = process.url().to_owned();
        let writing = (0..3).map(|client| {
            let (url, acknowledged) = (url.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for number in 0.. {
                    let name = format!("table-{round}-{client}-{number}");
                    // Small ones, and ones whose upload takes a while.
                    let csv = line(if number % 2 == 0 { 20 } else { 40_000 });
                    let Ok(answer) = upload(&url, &name, csv).await else { return };
                    assert_eq!(answer.status(), 201);
                    let Ok(body) = answer.json::<Value>().await else { return };
                    let sha256 = body["sha256"].as_str().unwrap().to_owned();
                    acknowledged.lock().unwrap().insert(name, sha256);
                }
            })
        });
        let writing: Vec<_> = writing.collect();
        // Not a wait for something: the moment of the kill, another one each round.
        tokio::time::sleep(Duration::from_millis(40 + round * 67)).await;
        process.kill();
        for client in writing {
            client.await.unwrap();
        }
    }
    let database = folder.path().join("epoca.sqlite3");
    let store = SqliteStore::open(&database).await.unwrap();
    let integrity: String = {
        use sqlx::Connection;
        let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", database.display())).await.unwrap();
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap()
    };
    assert_eq!(integrity, "ok");
    drop(store);

    let opened = open(&database, &folder.path().join("artifacts")).await.unwrap();
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(!acknowledged.is_empty());
    for (name, sha256) in &acknowledged {
        assert_eq!(&opened.store.dataset(name).await.unwrap().sha256, sha256);
    }
    // And whatever has a record has a whole file; what has none is kept for a day.
    let mut page = epoca::store::Page { limit: 100, after: None };
    let mut files = 0;
    loop {
        let listed = opened.store.datasets(&page).await.unwrap();
        for dataset in listed.data {
            let key = epoca::store::artifacts::ArtifactKey::dataset(dataset.id);
            let source = opened.artifacts.source(&key, &dataset.sha256).await.unwrap();
            tokio::task::spawn_blocking(move || source.finish()).await.unwrap().unwrap();
            files += 1;
        }
        match listed.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert!(files >= acknowledged.len());
}
