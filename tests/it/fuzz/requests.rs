//! Requests as bytes: lines and headers, queries, cursors, ids of events, and forms.

use super::{check_words, fuzz};
use crate::support::{Client, Server, raw};
use serde_json::{Value, json};
use std::{cell::Cell, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
    time::timeout,
};

/// How long an answer may take; a stream of events has no end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a changed request may be without an answer before its end is said: it may be one that goes on.
const TO_GO_ON: Duration = Duration::from_millis(50);

/// A server with a dataset, a model and three jobs that have ended.
pub(super) async fn with_jobs() -> (Server, Vec<String>) {
    let server = Server::start().await;
    let url = server.url().to_owned();
    let http = Client::new();
    let upload = http.post(format!("{url}/v1/datasets?name=d")).header("content-type", "text/csv");
    assert_eq!(upload.body("a,y\n1,2\n3,4\n5,7\n").send().await.unwrap().status(), 201);
    let model = json!({"name": "m", "definition": {"layers": [{"type": "dense", "units": 1}]}});
    assert_eq!(http.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let job = json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": 5}});
        let job: Value = http.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
        let id = job["id"].as_str().unwrap().to_owned();
        assert_eq!(server.wait_for_end(&id).await["status"], "succeeded");
        ids.push(id);
    }
    (server, ids)
}

/// Sends these bytes, says after a time that nothing more comes, and returns the answer: nothing where the service closes the connection.
async fn exchange(url: &str, bytes: &[u8], to_go_on: Duration) -> Vec<u8> {
    let mut stream = raw::connect(url).await;
    // The service may answer and close before everything is sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    let mut is_over = false;
    loop {
        let read = timeout(if is_over { PATIENCE } else { to_go_on }, stream.read(&mut part)).await;
        match read {
            Ok(Ok(0) | Err(_)) => return answer,
            Ok(Ok(count)) => answer.extend_from_slice(&part[..count]),
            Err(_) if is_over => panic!("no end of an answer: {:?}", String::from_utf8_lossy(&answer)),
            Err(_) => {
                is_over = true;
                let _ = stream.shutdown().await;
            }
        }
        if String::from_utf8_lossy(&answer).contains("text/event-stream") {
            return answer;
        }
    }
}

/// Sends what `fuzz` asks for; the `seeds` come first, and each has its answer however long it takes.
struct Sender {
    seeds: usize,
    sent: Cell<usize>,
}

impl Sender {
    fn new(seeds: usize) -> Self {
        Self { seeds, sent: Cell::new(0) }
    }

    async fn exchange(&self, url: &str, bytes: &[u8]) -> Vec<u8> {
        let sent = self.sent.replace(self.sent.get() + 1);
        exchange(url, bytes, if sent < self.seeds { PATIENCE } else { TO_GO_ON }).await
    }
}

/// Checks an answer; whether it is one of success.
fn check(answer: &[u8]) -> bool {
    if answer.is_empty() {
        return false;
    }
    let text = String::from_utf8_lossy(answer);
    let status =
        text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|status| status.parse::<u16>().ok());
    let status = status.unwrap_or_else(|| panic!("no status: {text:?}"));
    assert!(status < 500 || status == 501 || status == 505, "{text}");
    if status >= 400 {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("application/problem+json"), "{text}");
        // The answer to HEAD has no body, and another request may have been answered after it.
        let mut problems = serde_json::Deserializer::from_str(body).into_iter::<Value>();
        if let Some(problem) = problems.next().filter(|_| !body.is_empty()) {
            let problem = problem.unwrap_or_else(|error| panic!("{error}: {text}"));
            check_words(problem["detail"].as_str().unwrap());
            for error in problem["errors"].as_array().into_iter().flatten() {
                check_words(error["detail"].as_str().unwrap());
            }
        }
    }
    status < 400
}

#[test]
fn heads_queries_cursors_and_ids_of_events() {
    let runtime = Runtime::new().unwrap();
    let (server, ids) = runtime.block_on(with_jobs());
    let page = format!("{}/v1/jobs?limit=1", server.url());
    let page: Value = runtime.block_on(async { crate::support::get(page).await.unwrap().json().await.unwrap() });
    let cursor = page["next"].as_str().unwrap_or_else(|| panic!("no cursor in {page:#}"));
    let get = |path: String, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n").into_bytes()
    };
    let seeds = vec![
        get("/v1/datasets?limit=2".to_owned(), "accept: application/json\r\n"),
        get("/v1/jobs?status=succeeded&limit=1&full=true".to_owned(), ""),
        get(format!("/v1/jobs?limit=1&after={cursor}"), ""),
        get(format!("/v1/jobs/{}/events", ids[0]), "accept: text/event-stream\r\nlast-event-id: 3\r\n"),
        get(format!("/v1/events?jobs={},{}", ids[1], ids[2]), "accept: text/event-stream\r\nlast-event-id: 1\r\n"),
        get(format!("/v1/jobs/{}/history?points=10", ids[0]), ""),
        get("/v1/datasets/d/rows?limit=2".to_owned(), "if-none-match: \"x\"\r\n"),
        b"POST /v1/models/m:predict?format=raw HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
          connection: close\r\ncontent-length: 24\r\n\r\n{\"instances\": [[1],[2]]}"
            .to_vec(),
        b"POST /v1/models/m:predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nidempotency-key: k1\r\n\
          connection: close\r\ntransfer-encoding: chunked\r\n\r\n8;x=y\r\n{\"instan\r\n10\r\nces\": [[1],[2]]}\r\n0\r\n\r\n"
            .to_vec(),
    ];
    let sender = Sender::new(seeds.len());
    fuzz(3000, seeds, |bytes| check(&runtime.block_on(sender.exchange(server.url(), bytes))));
    let alive = runtime.block_on(exchange(server.url(), &get("/readyz".to_owned(), ""), PATIENCE));
    assert!(check(&alive), "{}", String::from_utf8_lossy(&alive));
}

#[test]
fn forms() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let part = |head: &str, body: &str| format!("--limit\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let table = "a,b\n1,x\n2,y\n";
    let seeds = vec![
        part("name=\"name\"", "t")
            + &part("name=\"file\"; filename=\"t.csv\"\r\ncontent-type: text/csv", table)
            + "--limit--\r\n",
        "before\r\n".to_owned()
            + &part("name=name", "t")
            + &part("name=\"types\"", "{\"a\": \"number\"}")
            + &part("name=\"file\"; filename*=UTF-8''t%20u.csv\r\ncontent-type: text/csv; header=present", table)
            + "--limit--\r\nafter",
    ];
    let sender = Sender::new(seeds.len());
    fuzz(3000, seeds.into_iter().map(String::into_bytes).collect(), |body| {
        let head = format!(
            "POST /v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=limit\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let answer = runtime.block_on(sender.exchange(server.url(), &[head.as_bytes(), body].concat()));
        // Its name is taken by the input before.
        check(&answer) || String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 409")
    });
}
