//! What a client may get wrong, each over HTTP: the status, the pointer, a text that helps, and a service that goes on.

mod bodies;
mod connections;
mod definitions;
mod files;
mod names;
mod tables;
mod trainings;

use crate::support::{Server, client};
use reqwest::Response;
use serde_json::{Value, json};

/// A mistake and what it should be answered with.
struct Mistake {
    /// For the message of a failing test.
    what: &'static str,
    /// What is sent.
    body: Vec<u8>,
    /// What should come back.
    status: u16,
    /// Where the mistake stands; `None` where the whole body is wrong.
    pointer: Option<&'static str>,
    /// Words that the answer must have, in `detail` or in the detail of the error at `pointer`.
    words: &'static [&'static str],
}

impl Mistake {
    fn json(what: &'static str, body: Value, pointer: &'static str, words: &'static [&'static str]) -> Self {
        Self { what, body: body.to_string().into_bytes(), status: 422, pointer: Some(pointer), words }
    }

    fn text(what: &'static str, body: impl Into<Vec<u8>>, status: u16, words: &'static [&'static str]) -> Self {
        Self { what, body: body.into(), status, pointer: None, words }
    }
}

/// Sends every mistake to `path`, checks its answer, and that the service still answers.
async fn check(server: &Server, path: &str, content_type: &str, mistakes: Vec<Mistake>) {
    let http = crate::support::Client::new();
    for mistake in mistakes {
        let answer = http
            .post(format!("{}{path}", server.url()))
            .header("content-type", content_type)
            .body(mistake.body)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{}: no answer: {error}", mistake.what));
        let problem = problem(mistake.what, answer, mistake.status).await;
        let texts = match mistake.pointer {
            None => vec![problem["detail"].as_str().unwrap_or_default().to_owned()],
            Some(pointer) => problem["errors"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|error| error["pointer"] == pointer)
                .map(|error| error["detail"].as_str().unwrap_or_default().to_owned())
                .collect(),
        };
        assert!(!texts.is_empty(), "{}: nothing at {:?} in {problem:#}", mistake.what, mistake.pointer);
        for word in mistake.words {
            assert!(texts.iter().any(|text| text.contains(word)), "{}: no {word:?} in {texts:?}", mistake.what);
        }
        assert_eq!(
            http.get(format!("{}/livez", server.url())).send().await.unwrap().status(),
            200,
            "after {}",
            mistake.what
        );
    }
}

/// The problem document of an answer; prints `what` for the message of a failing test.
async fn problem(what: &str, answer: Response, status: u16) -> Value {
    println!("{what}");
    client::problem(answer, status).await
}

/// A server with the table `iris` (150 rows, 3 species) and the model `iris-mlp`.
async fn with_iris() -> Server {
    let server = Server::start().await;
    let client = crate::support::Client::new();
    let table = include_str!("../../../examples/data/iris.csv");
    let answer = client
        .post(format!("{}/v1/datasets?name=iris", server.url()))
        .header("content-type", "text/csv")
        .body(table)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let model = json!({"name": "iris-mlp", "definition": {"layers": [
        {"type": "dense", "units": 8, "activation": "relu"},
        {"type": "dense", "units": 3, "activation": "softmax"}]}});
    let answer = client.post(format!("{}/v1/models", server.url())).json(&model).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    server
}
