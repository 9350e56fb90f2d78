//! Pause, resume, finish and retry over HTTP, in one process and across its end.

use crate::support::{Client, Process, Server, client::problem};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A dataset `d` and a model `m` of one layer.
async fn prepare(url: &str) {
    let rows: String = (0..200).map(|row| format!("{},{}\n", row % 17, row % 17 * 2 + 1)).collect();
    let table = Client::new().post(format!("{url}/v1/datasets?name=d")).header("content-type", "text/csv");
    assert_eq!(table.body(format!("a,y\n{rows}")).send().await.unwrap().status(), 201);
    define(url, "m", json!({"layers": [{"type": "dense", "units": 1}]})).await;
}

async fn define(url: &str, name: &str, definition: Value) {
    let model = Client::new().post(format!("{url}/v1/models")).json(&json!({"name": name, "definition": definition}));
    assert_eq!(model.send().await.unwrap().status(), 201);
}

async fn submit(url: &str, request: Value) -> Value {
    let answer = Client::new().post(format!("{url}/v1/jobs")).json(&request).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.json().await.unwrap()
}

fn request(epochs: u32) -> Value {
    json!({"model": "m", "dataset": "d", "target": "y", "labels": {"team": "a"}, "note": "with a note",
           "training": {"epochs": epochs, "batch_size": 1, "seed": 7, "optimizer": "adam", "validation_split": 0.2}})
}

async fn endless(url: &str) -> String {
    submit(url, request(1_000_000)).await["id"].as_str().unwrap().to_owned()
}

async fn show(url: &str, id: &str) -> Value {
    crate::support::get(format!("{url}/v1/jobs/{id}")).await.unwrap().json().await.unwrap()
}

async fn ask(url: &str, id: &str, verb: &str) -> reqwest::Response {
    Client::new().post(format!("{url}/v1/jobs/{id}/{verb}")).send().await.unwrap()
}

async fn asked(url: &str, id: &str, verb: &str) -> Value {
    let answer = ask(url, id, verb).await;
    assert_eq!(answer.status(), 200, "{verb}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

async fn until(url: &str, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let job = show(url, id).await;
        if is_so(&job) {
            return job;
        }
        assert!(Instant::now() < patience, "{job:#}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn paused_after_an_epoch(url: &str) -> String {
    let id = endless(url).await;
    until(url, &id, |job| job["progress"]["epoch"].as_u64() > Some(0)).await;
    asked(url, &id, "pause").await;
    until(url, &id, |job| job["status"] == "paused").await;
    id
}

/// The events of a job, whose ids must be 1, 2, 3 …
async fn events(url: &str, id: &str) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events.len();
        let page = crate::support::get(format!("{url}/v1/jobs/{id}/events?after={after}&limit=100")).await.unwrap();
        let page: Value = page.json().await.unwrap();
        events.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["next"].is_null() {
            break;
        }
    }
    assert!(events.iter().map(|event| event["id"].as_u64().unwrap()).eq(1..=events.len() as u64), "gapless");
    events
}

fn texts(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["data"]["text"].as_str()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_job_is_paused_resumed_and_finished() {
    let server = Server::with(|config| config.workers = 1).await;
    let url = server.url();
    prepare(url).await;
    let id = paused_after_an_epoch(url).await;
    assert_eq!(asked(url, &id, "pause").await["status"], "paused", "twice is no mistake");
    let listed: Value =
        crate::support::get(format!("{url}/v1/jobs?status=paused")).await.unwrap().json().await.unwrap();
    assert_eq!(listed["data"][0]["id"], *id);
    let metrics = crate::support::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("epoca_jobs_queued 0") && metrics.contains("epoca_jobs_running 0"), "{metrics}");
    for path in ["datasets/d", "models/m", &format!("jobs/{id}")] {
        problem(Client::new().delete(format!("{url}/v1/{path}")).send().await.unwrap(), 409).await;
    }
    problem(ask(url, &id, "retry").await, 409).await;

    let other = submit(url, request(1)).await;
    let other = server.wait_for_end(other["id"].as_str().unwrap()).await;
    assert_eq!(other["status"], "succeeded", "{other:#}");
    let resumed = asked(url, &id, "resume").await;
    assert!(["queued", "running"].contains(&resumed["status"].as_str().unwrap()), "{resumed:#}");
    until(url, &id, |job| job["status"] == "running").await;
    let refused = problem(ask(url, &id, "resume").await, 409).await;
    assert!(refused["detail"].as_str().unwrap().contains("not paused: it is running"), "{refused:#}");
    asked(url, &id, "finish").await;
    let job = server.wait_for_end(&id).await;
    assert_eq!((&job["status"], &job["version"], &job["attempt"]), (&json!("succeeded"), &json!(2), &json!(1)));
    assert!(texts(&events(url, &id).await).contains("finished on request after epoch"));
    for verb in ["pause", "resume", "finish", "cancel"] {
        let refused = problem(ask(url, &id, verb).await, 409).await;
        assert!(refused["detail"].as_str().unwrap().contains("ended already: it is succeeded"), "{refused:#}");
    }
    for verb in ["pause", "resume", "finish", "retry"] {
        problem(ask(url, "0196f0c2-7a53-7cc0-8000-000000000000", verb).await, 404).await;
    }
}

#[tokio::test]
async fn a_queued_job_is_paused_and_not_finished() {
    let server = Server::with(|config| config.workers = 1).await;
    let url = server.url();
    prepare(url).await;
    let first = endless(url).await;
    until(url, &first, |job| job["status"] == "running").await;
    let second = submit(url, request(1)).await["id"].as_str().unwrap().to_owned();
    let refused = problem(ask(url, &second, "finish").await, 409).await;
    assert!(refused["detail"].as_str().unwrap().contains("the job is queued"), "{refused:#}");
    assert_eq!(asked(url, &second, "pause").await["status"], "paused");
    assert_eq!(asked(url, &first, "cancel").await["status"], "running");
    server.wait_for_end(&first).await;
    let third = submit(url, request(1)).await;
    server.wait_for_end(third["id"].as_str().unwrap()).await;
    assert_eq!(show(url, &second).await["status"], "paused");
    assert_eq!(asked(url, &second, "resume").await["status"], "queued");
    assert_eq!(server.wait_for_end(&second).await["status"], "succeeded");
}

#[tokio::test]
async fn a_retry_is_the_same_job_once_more() {
    let server = Server::start().await;
    let url = server.url();
    prepare(url).await;
    let first = submit(url, request(4)).await;
    let id = first["id"].as_str().unwrap();
    let first = server.wait_for_end(id).await;
    let again = || Client::new().post(format!("{url}/v1/jobs/{id}/retry")).header("idempotency-key", "once");
    let answer = again().send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let second: Value = answer.json().await.unwrap();
    assert_eq!(location, format!("/v1/jobs/{}", second["id"].as_str().unwrap()));
    assert_eq!(
        (&second["status"], &second["attempt"], &second["version"]),
        (&json!("queued"), &json!(0), &Value::Null)
    );
    let repeated = again().send().await.unwrap();
    assert_eq!(repeated.headers()["idempotency-replayed"], "true");
    assert_eq!(repeated.json::<Value>().await.unwrap(), second);

    let second = server.wait_for_end(second["id"].as_str().unwrap()).await;
    assert_eq!((&second["status"], &second["version"]), (&json!("succeeded"), &json!(2)));
    for field in
        ["model", "dataset", "target", "features", "task", "training", "split", "preprocessing", "labels", "note"]
    {
        assert_eq!(second[field], first[field], "{field}");
    }
    assert_eq!(second["metrics"], first["metrics"], "the same seed, the same result");

    // Another dataset of the same name is another dataset.
    let deleted = Client::new().delete(format!("{url}/v1/datasets/d")).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    let refused = problem(ask(url, id, "retry").await, 409).await;
    assert!(refused["detail"].as_str().unwrap().contains("no dataset \"d\" any more"), "{refused:#}");
}

#[tokio::test]
async fn classical_models_are_paused_where_they_report() {
    let server = Server::with(|config| config.workers = 1).await;
    let url = server.url();
    prepare(url).await;
    define(
        url,
        "boosting",
        json!({"type": "gradient_boosting", "max_iter": 200_000, "max_leaf_nodes": 2, "early_stopping": false}),
    )
    .await;
    let request = json!({"model": "boosting", "dataset": "d", "target": "y", "training": {"validation_split": 0.2}});
    let id = submit(url, request).await["id"].as_str().unwrap().to_owned();
    until(url, &id, |job| job["progress"]["epoch"].as_u64() > Some(0)).await;
    asked(url, &id, "pause").await;
    let paused = until(url, &id, |job| job["status"] == "paused").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(show(url, &id).await["progress"], paused["progress"], "it stands still");
    asked(url, &id, "resume").await;
    until(url, &id, |job| job["progress"]["epoch"].as_u64() > paused["progress"]["epoch"].as_u64()).await;
    asked(url, &id, "cancel").await;
    server.wait_for_end(&id).await;
}

#[tokio::test]
async fn the_rounds_and_trees_of_a_fit_that_is_finished_are_its_model() {
    let server = Server::with(|config| config.workers = 1).await;
    let url = server.url();
    prepare(url).await;
    for (kind, unit, settings) in [
        ("gradient_boosting", "rounds", json!({"max_iter": 200_000, "max_leaf_nodes": 2, "early_stopping": false})),
        ("random_forest", "trees", json!({"n_estimators": 200_000, "max_depth": 1})),
        ("extra_trees", "trees", json!({"n_estimators": 200_000, "max_depth": 1})),
    ] {
        let mut definition = settings;
        definition["type"] = json!(kind);
        define(url, kind, definition).await;
        let request = json!({"model": kind, "dataset": "d", "target": "y", "baselines": false});
        let id = submit(url, request).await["id"].as_str().unwrap().to_owned();
        until(url, &id, |job| job["progress"]["epoch"].as_u64() > Some(0)).await;
        asked(url, &id, "finish").await;
        let job = server.wait_for_end(&id).await;
        assert_eq!(job["status"], "succeeded", "{job:#}");
        let done = job["progress"]["epoch"].as_u64().unwrap();
        assert!(done > 0 && done < 200_000 && job["metrics"]["r2_score"].is_number(), "{job:#}");
        let text = format!("finished on request after {done} of 200000 {unit}");
        assert!(texts(&events(url, &id).await).contains(&text), "{text}");
        let version = crate::support::get(format!("{url}/v1/models/{kind}/versions/1")).await.unwrap();
        assert_eq!(version.json::<Value>().await.unwrap()["fitted"]["n_trees"], done, "{kind}");
        let predict = Client::new().post(format!("{url}/v1/models/{kind}:predict"));
        assert_eq!(predict.json(&json!({"instances": [{"a": 3}]})).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_model_that_is_fitted_in_one_go_is_not_paused_while_it_runs() {
    let server = Server::with(|config| config.workers = 1).await;
    let url = server.url();
    prepare(url).await;
    let rows: String =
        (0..60_000_u64).map(|row| format!("{},{}\n", row * 7919 % 60_013, row * 104_729 % 99_991)).collect();
    let table = Client::new().post(format!("{url}/v1/datasets?name=wide")).header("content-type", "text/csv");
    assert_eq!(table.body(format!("a,y\n{rows}")).send().await.unwrap().status(), 201);
    define(url, "tree", json!({"type": "decision_tree", "criterion": "absolute_error"})).await;
    let request = json!({"model": "tree", "dataset": "wide", "target": "y"});
    let id = submit(url, request).await["id"].as_str().unwrap().to_owned();
    let job = until(url, &id, |job| job["status"] != "queued").await;
    if job["status"] == "running" {
        let answer = ask(url, &id, "pause").await;
        // Quick machines have ended it: a conflict too.
        let refused = problem(answer, 409).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("decision_tree is fitted in one go") || detail.contains("ended already"), "{detail}");
        let refused = problem(ask(url, &id, "finish").await, 409).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("decision_tree has no result before") || detail.contains("ended already"), "{detail}");
    }
    let _ = ask(url, &id, "cancel").await;
    server.wait_for_end(&id).await;
}

#[tokio::test]
async fn a_paused_job_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--workers", "1"]);
    prepare(process.url()).await;
    let id = paused_after_an_epoch(process.url()).await;
    let at = show(process.url(), &id).await["progress"]["epoch"].clone();
    process.kill();

    let process = Process::start(folder.path(), &["--workers", "1"]);
    let job = show(process.url(), &id).await;
    assert_eq!((&job["status"], &job["attempt"], &job["progress"]["epoch"]), (&json!("paused"), &json!(0), &at));
    let other = submit(process.url(), request(1)).await;
    let other = process.wait_for_end(other["id"].as_str().unwrap()).await;
    assert_eq!(other["status"], "succeeded", "it holds no slot");
    assert!(
        texts(&events(process.url(), &id).await).contains(&format!("continues after epoch {at} when it is resumed"))
    );
    asked(process.url(), &id, "resume").await;
    until(process.url(), &id, |job| job["progress"]["epoch"].as_u64() > at.as_u64()).await;
    asked(process.url(), &id, "pause").await;
    until(process.url(), &id, |job| job["status"] == "paused").await;
    let (status, took) = process.terminate().await;
    assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");

    let process = Process::start(folder.path(), &["--workers", "1"]);
    let job = show(process.url(), &id).await;
    assert_eq!((&job["status"], &job["attempt"]), (&json!("paused"), &json!(0)));
    asked(process.url(), &id, "resume").await;
    until(process.url(), &id, |job| job["status"] == "running").await;
    asked(process.url(), &id, "finish").await;
    let job = process.wait_for_end(&id).await;
    assert_eq!((&job["status"], &job["version"], &job["attempt"]), (&json!("succeeded"), &json!(2), &json!(1)));
    let epochs: Vec<u64> = events(process.url(), &id)
        .await
        .iter()
        .filter(|event| event["type"] == "epoch")
        .map(|event| event["data"]["epoch"].as_u64().unwrap())
        .collect();
    assert_eq!(epochs, (1..=job["progress"]["epoch"].as_u64().unwrap()).collect::<Vec<_>>(), "each epoch once");
}

#[tokio::test]
async fn queued_jobs_of_a_higher_priority_run_first() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--workers", "1"]);
    let url = process.url();
    prepare(url).await;
    let running = endless(url).await;
    until(url, &running, |job| job["status"] == "running").await;
    let mut ids = Vec::new();
    for priority in [0, 5, 5, -1] {
        let mut request = request(1);
        request["priority"] = json!(priority);
        let job = submit(url, request).await;
        assert_eq!(job["priority"], priority);
        ids.push(job["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(places(url, &ids).await, [3, 1, 2, 4]);
    let patch = |priority: i32| {
        let patch = Client::new().patch(format!("{url}/v1/jobs/{}", ids[3]));
        patch.json(&json!({"priority": priority})).send()
    };
    let changed: Value = patch(1000).await.unwrap().json().await.unwrap();
    assert_eq!((&changed["priority"], &changed["queue_position"]), (&json!(1000), &json!(1)));
    assert_eq!(changed["labels"], json!({"team": "a"}), "what is left out stays");
    assert_eq!(places(url, &ids).await, [4, 2, 3, 1]);
    let refused = problem(patch(1001).await.unwrap(), 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/priority");
    assert_eq!(refused["errors"][0]["detail"], "expected -1000 to 1000, received 1001");

    asked(url, &running, "cancel").await;
    let mut versions = Vec::new();
    for id in &ids {
        let job = process.wait_for_end(id).await;
        assert!(job.get("queue_position").is_none(), "{job:#}");
        versions.push(job["version"].clone());
    }
    assert_eq!(versions, [4, 2, 3, 1], "the order in which they ran");
}

/// The places of jobs in the queue, as each job and the list say.
async fn places(url: &str, ids: &[String]) -> Vec<u64> {
    let list = crate::support::get(format!("{url}/v1/jobs?status=queued")).await.unwrap();
    let list: Value = list.json().await.unwrap();
    let mut places = Vec::new();
    for id in ids {
        let listed = list["data"].as_array().unwrap().iter().find(|job| job["id"] == *id).unwrap();
        let job = show(url, id).await;
        assert_eq!(job["queue_position"], listed["queue_position"]);
        places.push(job["queue_position"].as_u64().unwrap());
    }
    places
}
