//! Clients that take too long.

use crate::support::{Server, contract, raw};
use std::time::Duration;

#[tokio::test]
async fn a_body_that_stalls_is_answered_and_an_upload_too() {
    let server = Server::with(|config| config.timeouts.body_timeout = Duration::from_millis(50)).await;
    for (path, content_type) in [("/v1/models", "application/json"), ("/v1/datasets?name=t", "text/csv")] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: 100\r\n\r\na,b"
        );
        let answer = raw::send(server.url(), head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        assert!(answer.contains("/problems/request-timeout"), "{path}: {answer}");
        contract::check_raw("POST", path, &answer);
    }
}

#[tokio::test]
async fn headers_that_stall_and_idle_connections_are_closed() {
    let server = Server::with(|config| config.timeouts.header_timeout = Duration::from_millis(50)).await;
    assert_eq!(raw::send(server.url(), b"").await, "");
    let answer = raw::send(server.url(), b"GET /livez HTTP/1.1\r\nhost:").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer = raw::send(server.url(), b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    contract::check_raw("GET", "/livez", &answer);
}
