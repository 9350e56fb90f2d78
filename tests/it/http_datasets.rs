//! Tables: how they come in, how they are shown, and how they go.

use crate::support::Client;
use crate::support::{Server, client::problem};
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

const TABLE: &str = "x,y\n1,a\n2,b\n3,a\n";

async fn upload(server: &Server, name: &str, content_type: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let request = Client::new().post(format!("{}/v1/datasets?name={name}", server.url()));
    request.header("content-type", content_type).body(body).send().await.unwrap()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| entries.count())
}

#[tokio::test]
async fn every_format_becomes_the_same_table() {
    let server = Server::start().await;
    let records = json!([{"x": 1, "y": "a"}, {"x": 2, "y": "b"}, {"x": 3, "y": "a"}]).to_string();
    let columns = json!({"columns": ["x", "y"], "data": [[1, "a"], [2, "b"], [3, "a"]]}).to_string();
    let lines = "{\"x\": 1, \"y\": \"a\"}\n{\"x\": 2, \"y\": \"b\"}\n{\"x\": 3, \"y\": \"a\"}\n".to_owned();
    let mut found = Vec::new();
    for (name, content_type, body) in [
        ("csv", "text/csv; charset=utf-8", TABLE.to_owned()),
        ("tsv", "text/tab-separated-values", TABLE.replace(',', "\t")),
        ("records", "application/json", records),
        ("columns", "application/json", columns),
        ("lines", "application/x-ndjson", lines),
    ] {
        let answer = upload(&server, name, content_type, body).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{name}");
        let dataset: Value = answer.json().await.unwrap();
        let rows: Value = crate::support::get(format!("{}/v1/datasets/{name}/rows?limit=2", server.url()))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(rows["data"].as_array().unwrap().len(), 2, "{rows:#}");
        found.push((dataset["rows"].clone(), dataset["columns"].clone(), rows));
    }
    assert!(found.iter().all(|table| *table == found[0]), "{found:#?}");
}

#[tokio::test]
async fn a_form_brings_a_file_and_maybe_a_name() {
    let server = Server::start().await;
    let send = |form: Form| Client::new().post(format!("{}/v1/datasets", server.url())).multipart(form).send();
    let file = |name: &'static str| Part::text(TABLE).file_name(name).mime_str("application/octet-stream").unwrap();
    for (form, name) in [
        (Form::new().part("file", file("t.csv")).text("name", "after"), Some("after")),
        (Form::new().text("name", "before").part("file", file("T.CSV")), Some("before")),
        (Form::new().part("file", Part::text(TABLE).mime_str("text/csv").unwrap()), None),
    ] {
        let answer = send(form).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let dataset: Value = answer.json().await.unwrap();
        assert!(name.is_none_or(|name| dataset["name"] == name), "{dataset:#}");
        assert_eq!(dataset["rows"], 3);
    }
    problem(send(Form::new().part("file", file("t.xls"))).await.unwrap(), 415).await;
    problem(send(Form::new().text("name", "alone")).await.unwrap(), 422).await;
    problem(send(Form::new().part("file", file("t.csv")).part("file", file("t.csv"))).await.unwrap(), 422).await;
    problem(send(Form::new().part("file", file("t.csv")).text("nam", "x")).await.unwrap(), 422).await;
    problem(send(Form::new().part("file", file("t.csv")).text("name", "../up")).await.unwrap(), 422).await;
    problem(send(Form::new().part("file", file("t.csv")).text("name", "after")).await.unwrap(), 409).await;
    assert_eq!(files(&server.data_dir().join("artifacts/datasets")), 3);
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let server = Server::with(|config| config.limits.max_upload_bytes = 1000).await;
    let refused = problem(upload(&server, "t", "image/png", TABLE).await, 415).await;
    assert!(refused["detail"].as_str().unwrap().contains("text/csv"), "{refused:#}");
    let large = format!("x\n{}", "1\n".repeat(1000));
    let refused = problem(upload(&server, "t", "text/csv", large.clone()).await, 413).await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("1000") && detail.contains("2002"), "{detail}");
    let chunks = futures::stream::iter([large].map(Ok::<_, std::io::Error>));
    problem(upload(&server, "t", "text/csv", reqwest::Body::wrap_stream(chunks)).await, 413).await;
    problem(upload(&server, "t", "text/csv", "x,y\n1\n").await, 422).await;
    // What was begun is removed right after the answer, on a thread for files.
    let folder = server.data_dir().join("artifacts/datasets");
    for _ in 0..100 {
        if files(&folder) == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(files(&folder), 0);

    assert_eq!(upload(&server, "t", "text/csv", TABLE).await.status(), StatusCode::CREATED);
    problem(upload(&server, "t", "text/csv", TABLE).await, 409).await;
    assert_eq!(files(&server.data_dir().join("artifacts/datasets")), 1);
    let gone = Client::new().delete(format!("{}/v1/datasets/t", server.url())).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    problem(crate::support::get(format!("{}/v1/datasets/t", server.url())).await.unwrap(), 404).await;
    assert_eq!(files(&server.data_dir().join("artifacts/datasets")), 0);
}

#[tokio::test]
async fn uploads_at_the_same_time_do_not_mix() {
    let server = Server::start().await;
    let uploads = (0..12).map(|table| {
        let rows = 1000 + table;
        let body = format!("x\n{}", format!("{table}\n").repeat(rows));
        let server = &server;
        async move {
            let answer = upload(server, &format!("t{table}"), "text/csv", body).await;
            let dataset: Value = answer.json().await.unwrap();
            assert_eq!((&dataset["rows"], &dataset["columns"][0]["max"]), (&json!(rows), &json!(table as f64)));
        }
    });
    futures::future::join_all(uploads).await;
}

#[tokio::test]
async fn lists_have_pages() {
    let server = Server::start().await;
    for table in 0..5 {
        upload(&server, &format!("t{table}"), "text/csv", TABLE).await;
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = crate::support::get(format!("{}/v1/datasets?limit=2{after}", server.url()))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        names.extend(
            page["data"].as_array().unwrap().iter().map(|dataset| dataset["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["t4", "t3", "t2", "t1", "t0"]);
}
