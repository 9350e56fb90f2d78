//! A version's weights as a file.

use crate::http_events::job;
use crate::support::{Client, Server, client::problem, get};
use serde_json::Value;
use sha2::{Digest, Sha256};

#[tokio::test]
async fn weights_are_a_safetensors_file_with_a_name_and_a_tag() {
    let server = Server::start().await;
    let id = job(server.url(), 2).await;
    server.wait_for_end(&id).await;
    let url = format!("{}/v1/models/m/versions/1", server.url());
    let version: Value = get(&*url).await.unwrap().json().await.unwrap();
    let weights = format!("{url}/weights");
    let answer = Client::new().get(&*weights).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"m-v1.safetensors\"");
    assert_eq!(headers["content-length"], version["bytes"].to_string());
    let etag = format!("\"{}\"", version["sha256"].as_str().unwrap());
    assert_eq!(headers["etag"], etag);
    let file = answer.bytes().await.unwrap();
    let digest: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, version["sha256"].as_str().unwrap());
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(tensors.tensor("dense/kernel").unwrap().shape(), [1, 1]);

    let known = Client::new().get(&*weights).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(known.status(), 304);
    let other = Client::new().get(&*weights).header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(other.status(), 200);
    problem(get(format!("{}/v1/models/m/versions/2/weights", server.url())).await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_damaged_file_is_not_sent_whole() {
    let server = Server::start().await;
    let id = job(server.url(), 1).await;
    server.wait_for_end(&id).await;
    let folder = server.data_dir().join("artifacts/models");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    std::fs::write(&file, bytes).unwrap();
    // The client of the tests reads the body before it returns; the connection may also end before the head is sent.
    let error = get(format!("{}/v1/models/m/versions/1/weights", server.url())).await.unwrap_err();
    assert!(error.is_body() || error.is_decode() || error.is_request(), "{error:?}");
}
