//! What a client of the service does.

use crate::support::{contract, http::RequestBuilder};
use futures::{Stream, StreamExt};
use reqwest::Response;
use serde_json::Value;
use std::{
    pin::Pin,
    time::{Duration, Instant},
};

/// How long a test waits for what should come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Polls job `id` until it has ended, and returns it.
pub async fn wait_for_end(url: &str, id: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let job: Value = crate::support::get(format!("{url}/v1/jobs/{id}")).await.unwrap().json().await.unwrap();
        if ["succeeded", "failed", "cancelled"].contains(&job["status"].as_str().unwrap()) {
            return job;
        }
        assert!(Instant::now() < until, "the job does not end: {job:#}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The problem document of an answer that must have `status`, with every common field checked.
pub async fn problem(answer: Response, status: u16) -> Value {
    let received = answer.status().as_u16();
    let headers = answer.headers().clone();
    let text = answer.text().await.unwrap();
    assert_eq!(received, status, "{text}");
    assert_eq!(headers["content-type"], "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status, "{problem:#}");
    assert_eq!(problem["request_id"], headers["x-request-id"].to_str().unwrap(), "{problem:#}");
    for field in ["type", "title", "detail"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "no {field}: {problem:#}");
    }
    problem
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Absent where it is not kept.
    pub id: Option<u64>,
    pub name: String,
    pub data: String,
}

impl Event {
    /// The data of kept events is what `openapi.yaml` says; the others are `progress`, or of all jobs. A hint to reconnect has none.
    fn check(&self) {
        if self.data.is_empty() {
            return;
        }
        let data: Value = serde_json::from_str(&self.data).unwrap();
        assert_eq!(data["type"], *self.name, "{data:#}");
        match self.id {
            Some(id) => {
                contract::validate("/components/schemas/JobEvent", &data).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(data["id"], id, "{data:#}");
            }
            None => assert!(["progress", "job"].contains(&self.name.as_str()), "{data:#}"),
        }
    }
}

/// A stream of server-sent events.
pub struct Events {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: String,
}

impl Events {
    /// Opens one; `after` goes into `Last-Event-ID`.
    pub async fn open(url: &str, job: &str, after: Option<u64>) -> Self {
        let request = crate::support::Client::new().get(format!("{url}/v1/jobs/{job}/events"));
        match after {
            Some(after) => Self::of(request.header("last-event-id", after)).await,
            None => Self::of(request).await,
        }
    }

    /// Opens the stream of all jobs; `query` is empty or begins with `?`.
    pub async fn of_all_jobs(url: &str, query: &str) -> Self {
        Self::of(crate::support::Client::new().get(format!("{url}/v1/events{query}"))).await
    }

    async fn of(request: RequestBuilder) -> Self {
        let request = request.header("accept", "text/event-stream");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: Box::pin(answer.bytes_stream()), buffer: String::new() }
    }

    /// The next event; none at the end, also where the connection broke.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => event.id = Some(id.parse().unwrap()),
                        Some(("event", name)) => event.name = name.to_owned(),
                        Some(("data", data)) => event.data.push_str(data),
                        _ => {}
                    }
                }
                if event != Event::default() {
                    event.check();
                    return Some(event);
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("no event comes")?.ok()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Every kept event up to the end.
    pub async fn kept(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            if event.id.is_some() {
                events.push(event);
            }
        }
        events
    }
}
