//! What every answer has in common, whatever was asked.

use crate::support::{Process, Server, client::problem};
use reqwest::{Client, Method};

#[tokio::test]
async fn errors_have_one_form() {
    let server = Server::start().await;
    let client = Client::new();
    let get = |path: &str| client.get(format!("{}{path}", server.url()));

    let unknown = problem(get("/v1/nothing").send().await.unwrap(), 404).await;
    assert!(unknown["detail"].as_str().unwrap().contains("/v1/nothing"), "{unknown:#}");

    let wrong = client.request(Method::PUT, format!("{}/livez", server.url())).send().await.unwrap();
    assert_eq!(wrong.headers()["allow"], "GET,HEAD");
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
        let answer = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.text().await);
        let head = Client::new().head(format!("{}{path}", server.url())).send().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn the_binary_says_where_it_listens_and_ends_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder.path().join("data"), &[]);
    assert_eq!(reqwest::get(format!("{}/livez", process.url())).await.unwrap().status(), 200);
    let (status, _) = process.terminate().await;
    assert!(status.success(), "{status}");
}
