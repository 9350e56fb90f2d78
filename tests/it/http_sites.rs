//! What pages of other sites may do, and what browsers are told.

use crate::support::{Client, Process, Server, get, raw};
use std::io::Read;

#[tokio::test]
async fn only_hosts_of_the_service_are_served() {
    let server = Server::with(|config| config.allowed_hosts = vec!["epoca.example.org".to_owned()]).await;
    let mut tried = 0;
    for (headers, expected) in [
        ("host: localhost\r\n", 200),
        ("host: LOCALHOST.:9\r\n", 200),
        ("host: 127.0.0.1:80\r\n", 200),
        ("host: 127.8.9.1\r\n", 200),
        ("host: [::1]:8080\r\n", 200),
        ("host: epoca.example.org\r\n", 200),
        ("host: EPOCA.example.org:443\r\n", 200),
        ("host: example.org\r\n", 421),
        ("host: evil.epoca.example.org\r\n", 421),
        ("host: localhost.evil.example\r\n", 421),
        ("host: 127.0.0.1.evil.example\r\n", 421),
        ("host: 192.0.2.1\r\n", 421),
        ("host: 2130706433\r\n", 421),
        ("", 400),
        ("host:\r\n", 400),
        ("host: localhost\r\nhost: localhost\r\n", 400),
        ("host: localhost\r\nHost: evil.example\r\n", 400),
        ("host: localhost, evil.example\r\n", 400),
        ("host: local host\r\n", 400),
        ("host: user@localhost\r\n", 400),
        ("host: localhost:port\r\n", 400),
        ("host: localhost/\r\n", 400),
    ] {
        let (status, answer) = raw::request(server.url(), "GET", "/v1/server", headers).await;
        assert_eq!(status, expected, "{headers:?}: {answer}");
        tried += 1;
    }
    assert_eq!(tried, 22);
    let (status, answer) = raw::request(server.url(), "GET", "http://evil.example/livez", "host: localhost\r\n").await;
    assert_eq!(status, 421, "{answer}");
    let old = raw::send(server.url(), b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw::status(&old), 200, "{old}");
}

#[tokio::test]
async fn a_rebound_name_deletes_nothing() {
    let server = Server::start().await;
    let create = Client::new().post(format!("{}/v1/datasets?name=kept", server.url()));
    let created = create.header("content-type", "text/csv").body("a,b\n1,2\n").send().await.unwrap();
    assert_eq!(created.status(), 201);
    let (status, answer) =
        raw::request(server.url(), "DELETE", "/v1/datasets/kept", "host: rebind.evil.example\r\n").await;
    assert_eq!(status, 421, "{answer}");
    assert_eq!(get(format!("{}/v1/datasets/kept", server.url())).await.unwrap().status(), 200);
}

#[tokio::test]
async fn pages_of_other_sites_write_nothing() {
    let server = Server::with(|config| {
        config.cors_origins = vec!["https://app.example.org".to_owned()];
        config.allowed_hosts = vec!["epoca.example.org".to_owned()];
    })
    .await;
    let own = server.url().to_owned();
    let port = own.rsplit(':').next().unwrap();
    let host = format!("localhost:{port}");
    let mut refused = 0;
    for (headers, expected) in [
        (String::new(), 404),
        (format!("origin: http://{host}\r\n"), 404),
        (format!("origin: http://{host}\r\nsec-fetch-site: same-origin\r\n"), 404),
        ("sec-fetch-site: none\r\n".to_owned(), 404),
        ("origin: https://app.example.org\r\nsec-fetch-site: cross-site\r\n".to_owned(), 404),
        // A proxy that writes its own Host.
        ("origin: https://epoca.example.org\r\nsec-fetch-site: same-origin\r\n".to_owned(), 404),
        ("origin: https://epoca.example.org:444\r\n".to_owned(), 403),
        ("origin: https://evil.example\r\n".to_owned(), 403),
        ("origin: https://evil.example\r\nsec-fetch-site: same-origin\r\n".to_owned(), 403),
        ("origin: null\r\n".to_owned(), 403),
        ("origin: http://localhost:1\r\n".to_owned(), 403),
        (format!("origin: http://{host}.evil.example\r\n"), 403),
        (format!("origin: http://evil@{host}\r\n"), 403),
        (format!("origin: http://{host}\r\norigin: https://evil.example\r\n"), 403),
        ("sec-fetch-site: cross-site\r\n".to_owned(), 403),
        ("sec-fetch-site: same-site\r\n".to_owned(), 403),
        (format!("origin: http://{host}\r\nsec-fetch-site: cross-site\r\n"), 403),
    ] {
        for (method, path) in [
            ("POST", "/v1/jobs/01980a5e-5f0c-7a3e-9d6b-1f2e3d4c5b6a/cancel"),
            ("DELETE", "/v1/models/none"),
            ("DELETE", "/v1/datasets/none"),
        ] {
            let headers = format!("host: {host}\r\n{headers}");
            let (status, answer) = raw::request(&own, method, path, &headers).await;
            assert_eq!(status, expected, "{method} {path} {headers:?}: {answer}");
            refused += u32::from(status == 403);
        }
    }
    assert_eq!(refused, 11 * 3);
    // Reading is not writing: the browser keeps the answer from the page.
    let headers = format!("host: {host}\r\norigin: https://evil.example\r\nsec-fetch-site: cross-site\r\n");
    let (status, answer) = raw::request(&own, "GET", "/livez", &headers).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn an_upload_by_a_form_of_another_site_is_refused() {
    let server = Server::start().await;
    let file = reqwest::multipart::Part::text("a,b\n1,2\n").file_name("a.csv").mime_str("text/csv").unwrap();
    let form = reqwest::multipart::Form::new().text("name", "csrf").part("file", file);
    let upload = Client::new().post(format!("{}/v1/datasets", server.url())).multipart(form);
    let answer = upload.header("origin", "http://localhost:9017").header("sec-fetch-site", "same-site").send().await;
    assert_eq!(answer.unwrap().status(), 403);
    assert_eq!(get(format!("{}/v1/datasets/csrf", server.url())).await.unwrap().status(), 404);
}

#[tokio::test]
async fn browsers_are_told_what_a_page_may_do() {
    let server = Server::start().await;
    for path in ["/livez", "/v1/nothing", "/problems/invalid", "/docs/", "/docs/swagger-ui.css", "/openapi.json"] {
        let answer = get(format!("{}{path}", server.url())).await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        let policy = header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(policy.contains("unsafe-inline"), path.starts_with("/docs"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn log_lines_have_no_control_characters_and_an_end() {
    for format in ["human", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let (process, mut log) = Process::logged(&folder.path().join("data"), &["--log-format", format]);
        let long = "x".repeat(20_000);
        for request in [
            "GET /v1/\u{9b}31m\u{202e}end HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_owned(),
            format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
            format!("{long} /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        ] {
            let answer = raw::send(process.url(), request.as_bytes()).await;
            assert!(raw::status(&answer) >= 400 && answer.len() < 3000, "{answer:.3000}");
        }
        process.terminate().await;
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        assert!(text.lines().filter(|line| line.contains("answered")).count() >= 2, "{text:.5000}");
        assert!(
            !text.chars().any(|letter| (letter.is_control() && letter != '\n') || letter == '\u{202e}'),
            "{text:.5000?}"
        );
        assert!(text.lines().all(|line| line.len() < 1000), "{text:.5000}");
        for line in text.lines().filter(|_| format == "json") {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }
}
