//! Clients that take too long.

use crate::support::{Server, contract};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends `bytes`, then nothing more; returns what comes back until the service closes the connection.
async fn send_and_stall(server: &Server, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await;
    closed.expect("the connection stays open").unwrap();
    answer
}

#[tokio::test]
async fn a_body_that_stalls_is_answered_and_an_upload_too() {
    let server = Server::with(|config| config.timeouts.body_timeout = Duration::from_millis(50)).await;
    for (path, content_type) in [("/v1/models", "application/json"), ("/v1/datasets?name=t", "text/csv")] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: 100\r\n\r\na,b"
        );
        let answer = send_and_stall(&server, &head).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        assert!(answer.contains("/problems/request-timeout"), "{path}: {answer}");
        contract::check_raw("POST", path, &answer);
    }
}

#[tokio::test]
async fn headers_that_stall_and_idle_connections_are_closed() {
    let server = Server::with(|config| config.timeouts.header_timeout = Duration::from_millis(50)).await;
    for bytes in ["", "GET /livez HTTP/1.1\r\nhost:"] {
        assert_eq!(send_and_stall(&server, bytes).await, "");
    }
    let answer = send_and_stall(&server, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    contract::check_raw("GET", "/livez", &answer);
}
