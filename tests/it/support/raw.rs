//! Requests as bytes.

use crate::support::contract;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection to a service.
pub async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.unwrap()
}

/// Sends `bytes`, then nothing more; returns what comes back until the service closes the connection.
pub async fn send(url: &str, bytes: &[u8]) -> String {
    let mut stream = connect(url).await;
    // The service may answer and close before everything is sent.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// What still comes until the service closes the connection.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    let _ = closed.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request without a body, whose answer must be as `openapi.yaml` says, and returns status and answer.
pub async fn request(url: &str, method: &str, path: &str, headers: &str) -> (u16, String) {
    let head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
    let answer = send(url, head.as_bytes()).await;
    contract::check_raw(method, path, &answer);
    (status(&answer), answer)
}

/// The status of an answer.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
