//! A request that is sent again creates nothing again.

use crate::support::{Client, RequestBuilder};
use crate::support::{Server, client::problem};
use serde_json::{Value, json};

fn model(server: &Server, name: &str, key: &str) -> RequestBuilder {
    let body = json!({"name": name, "definition": {"layers": [{"type": "dense", "units": 1}]}});
    Client::new().post(format!("{}/v1/models", server.url())).header("idempotency-key", key).json(&body)
}

fn table(server: &Server, content: &'static str, key: &str) -> RequestBuilder {
    Client::new()
        .post(format!("{}/v1/datasets?name=t", server.url()))
        .header("idempotency-key", key)
        .header("content-type", "text/csv")
        .body(content)
}

async fn count(server: &Server, list: &str) -> usize {
    let page: Value = crate::support::get(format!("{}/v1/{list}", server.url())).await.unwrap().json().await.unwrap();
    page["data"].as_array().unwrap().len()
}

/// Sends the same request ten times at once, and again; every answer has to be the first one.
async fn send_often(request: impl Fn() -> RequestBuilder) {
    let mut answers = futures::future::join_all((0..10).map(|_| request().send())).await;
    answers.push(request().send().await);
    let mut bodies = Vec::new();
    for answer in answers {
        let answer = answer.unwrap();
        let location = answer.headers().get("location").cloned();
        bodies.push((answer.status(), location, answer.text().await.unwrap()));
    }
    assert_eq!(bodies[0].0, 201, "{}", bodies[0].2);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

#[tokio::test]
async fn the_same_request_at_once_and_again_creates_once() {
    let server = Server::start().await;
    send_often(|| model(&server, "m", "one")).await;
    assert_eq!(count(&server, "models").await, 1);
    send_often(|| table(&server, "a,b\n1,2\n3,4\n", "one")).await;
    assert_eq!(count(&server, "datasets").await, 1);
    let files = std::fs::read_dir(server.data_dir().join("artifacts/datasets")).unwrap().count();
    assert_eq!(files, 1, "files of the repetitions are left");
}

#[tokio::test]
async fn the_same_key_with_another_request_is_a_conflict() {
    let server = Server::start().await;
    assert_eq!(model(&server, "m", "key").send().await.unwrap().status(), 201);
    problem(model(&server, "other", "key").send().await.unwrap(), 409).await;
    assert_eq!(table(&server, "a\n1\n", "key").send().await.unwrap().status(), 201, "another route, another key");
    problem(table(&server, "a\n2\n", "key").send().await.unwrap(), 409).await;
    problem(model(&server, "m", "").send().await.unwrap(), 400).await;
    assert_eq!((count(&server, "models").await, count(&server, "datasets").await), (1, 1));
}
