//! Clients that send too much, or hang up in the middle.

use super::{problem, with_iris};
use crate::support::Client;
use crate::support::Server;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn a_body_over_the_limit() {
    let server = with_iris().await;
    let body = format!(r#"{{"name": "a", "definition": "{}"}}"#, "x".repeat(64 << 20));
    let answer = Client::new()
        .post(format!("{}/v1/models", server.url()))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;
    // The service may answer and close before everything is sent; then the client may see the close first.
    if let Ok(answer) = answer {
        problem("64 MiB of JSON", answer, 413).await;
    }
    assert_eq!(Client::new().get(format!("{}/livez", server.url())).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn hanging_up_half_way_through_an_upload() {
    let server = Server::start().await;
    for _ in 0..5 {
        let mut stream = connect(&server).await;
        stream
            .write_all(b"POST /v1/datasets?name=half HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\ncontent-length: 1000000\r\n\r\na,b\n1,2\n")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        drop(stream);
    }
    let client = Client::new();
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = client
            .post(format!("{}/v1/datasets?name=half", server.url()))
            .header("content-type", "text/csv")
            .body("a,b\n1,2\n")
            .send()
            .await
            .unwrap();
        if answer.status() == 201 {
            break;
        }
        assert!(Instant::now() < until, "the name is still taken: {}", answer.text().await.unwrap());
    }
    let listed: Value = client.get(format!("{}/v1/datasets", server.url())).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
}

#[tokio::test]
async fn hanging_up_half_way_through_a_stream() {
    let server = with_iris().await;
    let client = Client::new();
    let job = json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "training": {"epochs": 300, "batch_size": 1}});
    let job: Value =
        client.post(format!("{}/v1/jobs", server.url())).json(&job).send().await.unwrap().json().await.unwrap();
    let id = job["id"].as_str().unwrap();
    for _ in 0..20 {
        let mut stream = connect(&server).await;
        let request =
            format!("GET /v1/jobs/{id}/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut first = [0; 64];
        assert!(stream.read(&mut first).await.unwrap() > 0);
        drop(stream);
    }
    let ended = server.wait_for_end(id).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
}

#[tokio::test]
async fn requests_that_are_not_http() {
    let server = Server::start().await;
    for bytes in
        [&b"\x16\x03\x01\x00\xa5"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", &[b'a'; 100_000]]
    {
        let mut stream = connect(&server).await;
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_millis(300), stream.read_to_end(&mut answer)).await;
        drop(stream);
        assert_eq!(Client::new().get(format!("{}/livez", server.url())).send().await.unwrap().status(), 200);
    }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await.unwrap()
}
