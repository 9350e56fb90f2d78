//! What every answer has in common, whatever was asked.

use crate::support::Client;
use crate::support::{Process, Server, client::problem};
use reqwest::Method;

#[tokio::test]
async fn errors_have_one_form() {
    let server = Server::start().await;
    let client = Client::new();
    let get = |path: &str| client.get(format!("{}{path}", server.url()));

    let unknown = problem(get("/v1/nothing").send().await.unwrap(), 404).await;
    assert!(unknown["detail"].as_str().unwrap().contains("/v1/nothing"), "{unknown:#}");

    let wrong = client.request(Method::PUT, format!("{}/livez", server.url())).send().await.unwrap();
    assert_eq!(wrong.headers()["allow"], "GET, HEAD");
    let wrong = problem(wrong, 405).await;
    assert!(wrong["detail"].as_str().unwrap().contains("PUT"), "{wrong:#}");

    let headers = problem(get("/livez").header("x-large", "x".repeat(40_000)).send().await.unwrap(), 431).await;
    assert!(headers["detail"].as_str().unwrap().contains("32768"), "{headers:#}");
}

#[tokio::test]
async fn requests_have_ids() {
    let server = Server::start().await;
    let get = || Client::new().get(format!("{}/livez", server.url()));
    let answer = get().header("x-request-id", "mine-1").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "mine-1");
    let answer = get().header("x-request-id", "not {sane}").send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7, "{id}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn it_is_alive_and_ready() {
    let server = Server::start().await;
    for path in ["/livez", "/readyz"] {
        let answer = crate::support::get(format!("{}{path}", server.url())).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.text().await);
        let head = Client::new().head(format!("{}{path}", server.url())).send().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn the_binary_says_where_it_listens_and_ends_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder.path().join("data"), &[]);
    assert_eq!(crate::support::get(format!("{}/livez", process.url())).await.unwrap().status(), 200);
    let (status, _) = process.terminate().await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_where_they_were_named() {
    let origin = "https://example.org";
    for (named, allowed) in
        [(None, None), (Some("https://example.org"), Some(origin)), (Some("https://other.org"), None)]
    {
        let server = Server::with(|config| config.cors_origins = named.iter().map(ToString::to_string).collect()).await;
        let answer =
            Client::new().get(format!("{}/livez", server.url())).header("origin", origin).send().await.unwrap();
        let header = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(header, allowed, "{named:?}");
    }
}

#[tokio::test]
async fn large_answers_are_compressed_and_small_ones_are_not() {
    let server = Server::start().await;
    let get =
        |path: &str| Client::new().get(format!("{}{path}", server.url())).header("accept-encoding", "gzip").send();
    let large = get("/openapi.json").await.unwrap();
    assert_eq!(large.headers()["content-encoding"], "gzip");
    assert!(!get("/livez").await.unwrap().headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn the_documentation_can_be_browsed_without_a_network() {
    let server = Server::start().await;
    let page = crate::support::get(format!("{}/docs", server.url())).await.unwrap();
    assert_eq!((page.status().as_u16(), page.url().path()), (200, "/docs/"));
    let page = page.text().await.unwrap();
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(page.contains(file), "{page}");
        let answer = crate::support::get(format!("{}/docs/{file}", server.url())).await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        let text = answer.text().await.unwrap();
        assert!(file != "swagger-initializer.js" || text.contains("/openapi.json"), "{text}");
    }
}

#[tokio::test]
async fn measurements_have_bounded_labels() {
    let server = Server::start().await;
    for path in ["/livez", "/v1/models/nothing-1", "/v1/models/nothing-2", "/no/such/route"] {
        crate::support::get(format!("{}{path}", server.url())).await.unwrap();
    }
    let metrics = crate::support::get(format!("{}/metrics", server.url())).await.unwrap().text().await.unwrap();
    let labels =
        "epoca_http_request_duration_seconds_count{method=\"GET\",route=\"/v1/models/{model}\",status=\"404\"}";
    assert!(metrics.contains(labels) && metrics.contains("epoca_jobs_queued"), "{metrics}");
    assert!(!metrics.contains("nothing-1") && !metrics.contains("/no/such/route"), "{metrics}");
}

#[tokio::test]
async fn the_service_tells_what_it_is() {
    let server = Server::with(|config| config.limits.max_layers = 17).await;
    let about: serde_json::Value =
        crate::support::get(format!("{}/v1/server", server.url())).await.unwrap().json().await.unwrap();
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["limits"]["max_layers"], 17);
    assert_eq!(about["queue"]["queued"], 0);
    assert!(about["engine"]["threads"].as_u64().unwrap() >= 1, "{about:#}");
}
