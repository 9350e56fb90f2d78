//! Names that are paths, bytes or novels; ids of nothing; routes that are not there.

use super::{Mistake, check, problem, with_iris};
use crate::support::Client;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn names_of_new_things() {
    let server = with_iris().await;
    let long = "n".repeat(300);
    let wrong =
        ["../up", "a/b", "a b", "", ".hidden", "-dash", "quo\"te", "quo'te", "nul\u{0}", "ünicode", "a:predict", &long];
    for name in wrong {
        let body = json!({"name": name, "definition": {"layers": [{"type": "flatten"}]}});
        check(&server, "/v1/models", "application/json", vec![Mistake::json("a model's name", body, "/name", &[])])
            .await;
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = Client::new()
            .post(format!("{}/v1/datasets?name={encoded}", server.url()))
            .header("content-type", "text/csv")
            .body("a\n1\n")
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        assert!(status == 422 || status == 400, "a dataset named {name:?}: {status}");
        problem(name, answer, status).await;
    }
}

#[tokio::test]
async fn names_in_paths() {
    let server = with_iris().await;
    let client = Client::new();
    let long = "n".repeat(300);
    let wrong =
        ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%00", "a%00b", "%22", "%27%20OR%201=1", "%ff", "%", "nothing", &long];
    for name in wrong {
        for path in [
            "datasets/NAME",
            "datasets/NAME/rows",
            "models/NAME",
            "models/NAME/versions",
            "models/NAME/versions/1",
            "jobs/NAME",
            "jobs/NAME/events",
        ] {
            let url = format!("{}/v1/{}", server.url(), path.replace("NAME", name));
            // The client resolves `..` itself.
            if reqwest::Url::parse(&url).is_ok_and(|url| url.path() == "/v1/events") {
                continue;
            }
            let answer = client.get(&url).send().await.unwrap();
            let status = answer.status().as_u16();
            assert!((400..500).contains(&status), "{url}: {status}");
            problem(&url, answer, status).await;
        }
        for path in ["datasets/NAME", "models/NAME"] {
            let url = format!("{}/v1/{}", server.url(), path.replace("NAME", name));
            let answer = client.delete(&url).send().await.unwrap();
            let status = answer.status().as_u16();
            assert!((400..500).contains(&status), "{url}: {status}");
            problem(&url, answer, status).await;
        }
    }
    assert_eq!(client.get(format!("{}/v1/datasets/iris", server.url())).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn unknown_ids() {
    let server = with_iris().await;
    let client = Client::new();
    let id = "01890000-0000-7000-8000-000000000000";
    for path in [
        format!("/v1/datasets/{id}"),
        format!("/v1/models/{id}"),
        format!("/v1/models/{id}/versions/1"),
        "/v1/models/iris-mlp/versions/1".into(),
        "/v1/models/iris-mlp/versions/0".into(),
        format!("/v1/jobs/{id}"),
        format!("/v1/jobs/{id}/events"),
        "/v1/nothing".into(),
        "/nothing".into(),
    ] {
        let answer = client.get(format!("{}{path}", server.url())).send().await.unwrap();
        problem(&path, answer, 404).await;
    }
    for path in
        [format!("/v1/jobs/{id}/cancel"), "/v1/models/nothing:predict".into(), "/v1/models/iris-mlp:predict".into()]
    {
        let body = json!({"instances": [[1, 2, 3, 4]]});
        let answer = client.post(format!("{}{path}", server.url())).json(&body).send().await.unwrap();
        problem(&path, answer, 404).await;
    }
    let body = json!({"model": "nothing", "dataset": id, "target": "species"});
    let answer = client.post(format!("{}/v1/jobs", server.url())).json(&body).send().await.unwrap();
    let status = answer.status().as_u16();
    assert!(status == 404 || status == 422, "a job of nothing: {status}");
    let problem = problem("a job of nothing", answer, status).await;
    assert!(problem.to_string().contains("nothing"), "{problem:#}");
}

#[tokio::test]
async fn wrong_methods_and_queries() {
    let server = with_iris().await;
    let client = Client::new();
    for (method, path) in [
        (Method::PUT, "/v1/datasets"),
        (Method::PATCH, "/v1/models/iris-mlp"),
        (Method::DELETE, "/v1/jobs"),
        (Method::POST, "/livez"),
        (Method::GET, "/v1/models/iris-mlp:predict"),
    ] {
        let answer = client.request(method.clone(), format!("{}{path}", server.url())).send().await.unwrap();
        let status = answer.status().as_u16();
        // A name with a colon is no name, so a GET of it is a thing that is not there.
        assert!(status == 405 || (path.ends_with(":predict") && status == 404), "{method} {path}: {status}");
        assert!(status != 405 || answer.headers().contains_key("allow"), "{method} {path}: no Allow");
        problem(path, answer, status).await;
    }
    for query in ["limit=0", "limit=101", "limit=-1", "limit=x", "after=x", "limit=1e9", "limt=3"] {
        for list in ["datasets", "models", "jobs"] {
            let url = format!("{}/v1/{list}?{query}", server.url());
            let answer = client.get(&url).send().await.unwrap();
            let status = answer.status().as_u16();
            assert!(status == 400 || status == 422, "{url}: {status}");
            problem(&url, answer, status).await;
        }
    }
    let url = format!("{}/v1/jobs?status=runing", server.url());
    let answer = client.get(&url).send().await.unwrap();
    let status = answer.status().as_u16();
    assert!(problem(&url, answer, status).await.to_string().contains("running"));
}
