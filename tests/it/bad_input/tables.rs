//! Files that are no table, and tables that nothing can be learned from.

use super::{Mistake, check, problem, with_iris};
use crate::support::Client;
use crate::support::Server;
use serde_json::{Value, json};

#[tokio::test]
async fn csv() {
    let server = Server::start().await;
    let wide = (0..1_000_000).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    let mut huge_cell = b"a,b\n1,".to_vec();
    huge_cell.resize(100_000_000, b'x');
    huge_cell.extend_from_slice(b"\n");
    let mistakes = vec![
        Mistake::text("empty", "", 422, &[]),
        Mistake::text("a header alone", "a,b\n", 422, &["row"]),
        Mistake::text("a short row", "a,b\n1,2\n3\n", 422, &["3", "2", "1"]),
        Mistake::text("a long row", "a,b\n1,2\n3,4,5\n", 422, &["3", "2"]),
        Mistake::text("an unclosed quote", "a,b\n1,\"2\n3,4\n", 422, &["quote", "2"]),
        Mistake::text("not UTF-8", b"a,b\n1,2\n3,\xff\xfe\n".to_vec(), 422, &["UTF-8", "3"]),
        Mistake::text("a header that is not UTF-8", b"a,\xff\n1,2\n".to_vec(), 422, &["UTF-8"]),
        Mistake::text("duplicate names", "a,b,a\n1,2,3\n", 422, &["a"]),
        Mistake::text("an empty name", "a,,c\n1,2,3\n", 422, &["2"]),
        Mistake::text("1e400", "a,b\n1,2\n3,1e400\n", 422, &["1e400", "3", "b"]),
        Mistake::text("1e308", "a,b\n1,2\n3,1e308\n", 422, &["1e308", "3", "b"]),
        Mistake::text("a million columns", format!("{wide}\n"), 422, &["column"]),
        Mistake::text("a cell of 100 MB", huge_cell, 422, &["byte"]),
    ];
    check(&server, "/v1/datasets?name=wrong", "text/csv", mistakes).await;
    let listed: Value =
        Client::new().get(format!("{}/v1/datasets", server.url())).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["data"], json!([]), "a refused file left a dataset");
}

#[tokio::test]
async fn json_and_ndjson() {
    let server = Server::start().await;
    let deep = format!("[{{\"a\": {}{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    let mistakes = vec![
        Mistake::text("a CSV file", "a,b\n1,2\n", 422, &["text that is no JSON", "text/csv"]),
        Mistake::text("a CSV file with a mark", "\u{feff}a,y\n1,p\n2,q\n", 422, &["text that is no JSON", "text/csv"]),
        Mistake::text("a web page", "<!DOCTYPE html><html></html>", 422, &["HTML"]),
        Mistake::text("a workbook", "PK\u{3}\u{4}", 422, &[".xlsx"]),
        Mistake::text("truncated", "[{\"a\": 1}, {\"a\":", 422, &["line 1, column 16", "end of the text"]),
        Mistake::text("a number", "3", 422, &[]),
        Mistake::text("no records", "[]", 422, &["row"]),
        Mistake::text("a record that is a number", "[{\"a\": 1}, 2]", 422, &[]),
        Mistake::text("a cell that is a list", "[{\"a\": [1]}]", 422, &["a"]),
        Mistake::text("100,000 levels", deep, 422, &[]),
        Mistake::text("NaN", "[{\"a\": NaN}]", 422, &["line 1, column 8", "NaN", "send null"]),
        Mistake::text("1e400", "[{\"a\": 1e400}]", 422, &[]),
        Mistake::text("1e308", "[{\"a\": 1}, {\"a\": 1e308}]", 422, &["a"]),
        Mistake::text("columns without data", "{\"columns\": [\"a\"]}", 422, &["data"]),
        Mistake::text("rows wider than columns", "{\"columns\": [\"a\"], \"data\": [[1, 2]]}", 422, &["1", "2"]),
        Mistake::text("duplicate columns", "{\"columns\": [\"a\", \"a\"], \"data\": [[1, 2]]}", 422, &["a"]),
    ];
    check(&server, "/v1/datasets?name=wrong", "application/json", mistakes).await;
    let mistakes = vec![
        Mistake::text("a broken line", "{\"a\": 1}\n{\"a\": \n", 422, &["line 2", "end of the text"]),
        Mistake::text("a line that is a list", "{\"a\": 1}\n[2]\n", 422, &["line 2", "application/json"]),
        Mistake::text("a line with NaN", "{\"a\": 1}\n{\"a\": NaN}\n", 422, &["line 2", "NaN", "send null"]),
        Mistake::text("an array of records", "[\n{\"a\": 1}\n]\n", 422, &["line 1", "application/json"]),
        Mistake::text("a record over lines", "{\n\"a\": 1\n}\n", 422, &["line 1", "a record ends in the line"]),
        Mistake::text("a CSV file", "a,y\n1,p\n", 422, &["text that is no JSON", "text/csv"]),
        Mistake::text("nothing", "\n\n", 422, &["row"]),
    ];
    check(&server, "/v1/datasets?name=wrong", "application/x-ndjson", mistakes).await;
}

/// Tables that are tables, but of which no job can be made: the job is refused, and says why.
#[tokio::test]
async fn nothing_to_learn() {
    let server = with_iris().await;
    let client = Client::new();
    let tables = [
        ("one-class", "x,y\n1,a\n2,a\n3,a\n", "y", "/target"),
        ("target-missing", "x,y\n1,a\n2,\n3,b\n", "y", "/target"),
        ("all-missing-target", "x,y\n1,\n2,\n3,\n", "y", "/target"),
        ("all-missing-feature", "x,y\n,a\n,b\n,a\n", "y", "/features"),
    ];
    for (name, table, target, pointer) in tables {
        let answer = client
            .post(format!("{}/v1/datasets?name={name}", server.url()))
            .header("content-type", "text/csv")
            .body(table)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201, "{name}: {}", answer.text().await.unwrap());
        let job = json!({"model": "iris-mlp", "dataset": name, "target": target, "training": {"batch_size": 1}});
        let answer = client.post(format!("{}/v1/jobs", server.url())).json(&job).send().await.unwrap();
        let problem = problem(name, answer, 422).await;
        let pointers: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
        assert!(pointers.iter().any(|at| at.as_str().unwrap().starts_with(pointer)), "{name}: {problem:#}");
    }
}

/// A constant column carries nothing, but harms nothing either.
#[tokio::test]
async fn a_constant_column_trains() {
    let server = Server::start().await;
    let client = Client::new();
    let rows: String = (0..40).map(|row| format!("{row},7,{}\n", if row < 20 { "low" } else { "high" })).collect();
    let answer = client
        .post(format!("{}/v1/datasets?name=constant", server.url()))
        .header("content-type", "text/csv")
        .body(format!("x,seven,y\n{rows}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let model =
        json!({"name": "two", "definition": {"layers": [{"type": "dense", "units": 2, "activation": "softmax"}]}});
    assert_eq!(client.post(format!("{}/v1/models", server.url())).json(&model).send().await.unwrap().status(), 201);
    let job = json!({"model": "two", "dataset": "constant", "target": "y",
        "training": {"epochs": 200, "optimizer": {"type": "adam", "learning_rate": 0.1}}});
    let answer = client.post(format!("{}/v1/jobs", server.url())).json(&job).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let job: Value = answer.json().await.unwrap();
    let ended = server.wait_for_end(job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert!(ended["metrics"]["accuracy"].as_f64().unwrap() > 0.9, "{ended:#}");
    let body = json!({"instances": [{"x": 1, "seven": 7}, {"x": 39, "seven": 8}]});
    let answer = client.post(format!("{}/v1/models/two:predict", server.url())).json(&body).send().await.unwrap();
    let predictions: Value = answer.json().await.unwrap();
    assert_eq!(predictions["predictions"][0]["label"], "low", "{predictions:#}");
    assert_eq!(predictions["predictions"][1]["label"], "high", "{predictions:#}");
}
