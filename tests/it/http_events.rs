//! Event streams: nothing twice, nothing missing, and nothing that holds up the service.

use crate::support::Client;
use crate::support::{Process, Server, client::Events};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// Defines a table of 60 rows and a model; returns a job on them.
pub async fn job(url: &str, epochs: u32) -> String {
    let client = Client::new();
    let rows: String = (0..60).map(|row| format!("{},{}\n", row, if row % 2 == 0 { "a" } else { "b" })).collect();
    let table = client.post(format!("{url}/v1/datasets?name=t")).header("content-type", "text/csv");
    table.body(format!("x,y\n{rows}")).send().await.unwrap();
    let model =
        json!({"name": "m", "definition": {"layers": [{"type": "dense", "units": 1, "activation": "sigmoid"}]}});
    client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap();
    let job = json!({"model": "m", "dataset": "t", "target": "y", "training": {"epochs": epochs, "batch_size": 1}});
    let answer = client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text().await.unwrap());
    let job: Value = answer.json().await.unwrap();
    job["id"].as_str().unwrap().to_owned()
}

async fn list(url: &str, job: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page: Value = crate::support::get(format!("{url}/v1/jobs/{job}/events?limit=7&after={after}"))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return all,
        }
    }
}

#[tokio::test]
async fn a_stream_resumes_where_it_ended_also_after_a_restart() {
    let mut server = Server::start().await;
    let id = job(server.url(), 12).await;
    let all = Events::open(server.url(), &id, None).await.kept().await;
    assert_eq!(all.iter().filter_map(|event| event.id).collect::<Vec<_>>(), (1..=all.len() as u64).collect::<Vec<_>>());
    let data: Vec<Value> = all.iter().map(|event| serde_json::from_str(&event.data).unwrap()).collect();
    assert_eq!(data.first().unwrap()["data"]["status"], "queued");
    assert_eq!(data.last().unwrap()["data"]["status"], "succeeded");
    assert_eq!(list(server.url(), &id).await, data);

    for restarted in [false, true] {
        if restarted {
            server.restart().await;
        }
        for seen in 0..all.len() {
            let rest = Events::open(server.url(), &id, Some(seen as u64)).await.kept().await;
            assert_eq!(rest, all[seen..], "after {seen}, restarted: {restarted}");
        }
        for query in [format!("?after={}", all.len()), String::new()] {
            let answer = Client::new()
                .get(format!("{}/v1/jobs/{id}/events{query}", server.url()))
                .header("accept", "text/event-stream")
                .header("last-event-id", all.len())
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
    }
}

#[tokio::test]
async fn an_id_that_a_running_job_does_not_have_is_an_error_and_not_silence() {
    let server = Server::start().await;
    let id = job(server.url(), 1_000_000).await;
    let url = format!("{}/v1/jobs/{id}/events", server.url());
    for after in [100_000_000_u64, i64::MAX as u64] {
        let request = Client::new().get(&url).header("accept", "text/event-stream").header("last-event-id", after);
        let problem = crate::support::client::problem(request.send().await.unwrap(), 416).await;
        assert!(problem["detail"].as_str().unwrap().contains(&format!("so far, received {after}")), "{problem:#}");
        let request = Client::new().get(format!("{url}?after={after}")).header("accept", "text/event-stream");
        crate::support::client::problem(request.send().await.unwrap(), 416).await;
    }
    let answer = Client::new().post(format!("{}/v1/jobs/{id}/cancel", server.url())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_that_breaks_while_the_job_runs_is_taken_up_again() {
    let server = Server::start().await;
    let id = job(server.url(), 400).await;
    let mut seen = Vec::new();
    // Each connection takes a few events and goes away; the last one follows to the end.
    for _ in 0..10 {
        let mut stream = Events::open(server.url(), &id, seen.last().copied()).await;
        for _ in 0..8 {
            seen.extend(stream.next().await.and_then(|event| event.id));
        }
    }
    seen.extend(
        Events::open(server.url(), &id, seen.last().copied()).await.kept().await.iter().filter_map(|event| event.id),
    );
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    assert!(seen.len() > 400);
}

#[tokio::test]
async fn open_streams_do_not_hold_up_the_end_and_the_job_goes_on_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data, &[]);
    let id = job(process.url(), 1_000_000).await;
    let mut stream = Events::open(process.url(), &id, None).await;
    let mut last = 0;
    while last < 5 {
        last = stream.next().await.unwrap().id.unwrap_or(last);
    }
    let (status, took) = process.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    while let Some(event) = stream.next().await {
        last = event.id.unwrap_or(last);
    }

    let process = Process::start(&data, &[]);
    let mut stream = Events::open(process.url(), &id, Some(last)).await;
    assert_eq!(stream.next().await.unwrap().id, Some(last + 1));
    let answer = Client::new().post(format!("{}/v1/jobs/{id}/cancel", process.url())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut ended = stream.kept().await;
    let ended: Value = serde_json::from_str(&ended.pop().unwrap().data).unwrap();
    assert_eq!(ended["data"]["status"], "cancelled");
    let answer = Client::new().post(format!("{}/v1/jobs/{id}/cancel", process.url())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_client_that_reads_nothing_holds_nothing_up() {
    let server = Server::start().await;
    let id = job(server.url(), 3000).await;
    let _paused: Vec<Events> = futures::future::join_all((0..20).map(|_| Events::open(server.url(), &id, None))).await;
    assert_eq!(server.wait_for_end(&id).await["status"], "succeeded");
}
