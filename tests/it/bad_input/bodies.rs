//! Bodies that are not the JSON they should be.

use super::{Mistake, check, problem, with_iris};
use serde_json::json;

#[tokio::test]
async fn not_json() {
    let server = with_iris().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_definition =
        format!(r#"{{"name": "deep", "definition": {}1{}}}"#, r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    for path in ["/v1/models", "/v1/jobs"] {
        let mistakes = vec![
            Mistake::text("empty", "", 400, &[]),
            Mistake::text("words", "hello", 400, &["line 1"]),
            Mistake::text("truncated", r#"{"name": "a", "definition": {"layers": ["#, 400, &["line 1"]),
            Mistake::text("100,000 levels", deep.clone(), 400, &["depth"]),
            Mistake::text("100,000 levels inside", deep_definition.clone(), 400, &["depth"]),
            Mistake::text("NaN", r#"{"name": NaN}"#, 400, &["line 1"]),
            Mistake::text("Infinity", r#"{"name": -Infinity}"#, 400, &["line 1"]),
            Mistake::text("1e400", r#"{"name": 1e400}"#, 400, &["line 1"]),
            Mistake::text("not UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec(), 400, &[]),
            Mistake::text("two documents", r#"{"name": "a"} {"name": "b"}"#, 400, &["line 1"]),
        ];
        check(&server, path, "application/json", mistakes).await;
    }
}

#[tokio::test]
async fn not_an_object() {
    let server = with_iris().await;
    for path in ["/v1/models", "/v1/jobs", "/v1/models/iris-mlp:predict"] {
        for body in ["null", "[]", "3", "\"text\"", "true"] {
            let client = crate::support::Client::new();
            let answer = client
                .post(format!("{}{path}", server.url()))
                .header("content-type", "application/json")
                .body(body)
                .send()
                .await
                .unwrap();
            let status = answer.status().as_u16();
            // A model without a version has nothing to predict with, whatever the body.
            assert!(status == 422 || (path.ends_with("predict") && status == 404), "{path} {body}: {status}");
            problem(body, answer, status).await;
        }
    }
}

#[tokio::test]
async fn wrong_content_type() {
    let server = with_iris().await;
    let body = json!({"name": "a", "definition": {"layers": [{"type": "flatten"}]}}).to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "nonsense", "image/png"] {
        check(
            &server,
            "/v1/models",
            content_type,
            vec![Mistake::text("content type", body.clone(), 415, &["application/json"])],
        )
        .await;
        check(
            &server,
            "/v1/datasets?name=b",
            content_type,
            vec![Mistake::text("content type", "a\n1\n", 415, &["text/csv"])],
        )
        .await;
    }
}

#[tokio::test]
async fn unknown_fields_name_the_nearest() {
    let server = with_iris().await;
    let mistakes = vec![
        Mistake::json(
            "in a job",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "trainning": {}}),
            "/trainning",
            &["`training`"],
        ),
        Mistake::json(
            "a setting of the training beside it",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "epochs": 3}),
            "/epochs",
            &["expected `epochs` in `training`"],
        ),
        Mistake::json(
            "a setting of the optimizer beside the training",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "learning_rate": 0.1}),
            "/learning_rate",
            &["expected `learning_rate` in `training.optimizer`"],
        ),
        Mistake::json(
            "a definition in a job",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "type": "svm"}),
            "/type",
            &["unknown field `type`"],
        ),
        Mistake::json(
            "in training",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "training": {"epoch": 3}}),
            "/training/epoch",
            &["`epochs`"],
        ),
        Mistake::json(
            "in an optimizer",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species",
                   "training": {"optimizer": {"type": "sgd", "learningrate": 0.1}}}),
            "/training/optimizer/learningrate",
            &["`learning_rate`"],
        ),
    ];
    check(&server, "/v1/jobs", "application/json", mistakes).await;
    let mistakes = vec![
        Mistake::json("in a model", json!({"name": "a", "definitions": {}}), "/definitions", &["`definition`"]),
        Mistake::json(
            "in a definition",
            json!({"name": "a", "definition": {"layer": []}}),
            "/definition/layer",
            &["`layers`"],
        ),
        Mistake::json(
            "in a layer",
            json!({"name": "a", "definition": {"layers": [{"type": "dense", "unit": 3}]}}),
            "/definition/layers/0/unit",
            &["`units`"],
        ),
        Mistake::json(
            "a layer type",
            json!({"name": "a", "definition": {"layers": [{"type": "dence", "units": 3}]}}),
            "/definition/layers/0/type",
            &["`dense`"],
        ),
        Mistake::json(
            "an activation",
            json!({"name": "a", "definition": {"layers": [{"type": "dense", "units": 3, "activation": "rellu"}]}}),
            "/definition/layers/0/activation",
            &["`relu`"],
        ),
    ];
    check(&server, "/v1/models", "application/json", mistakes).await;
}

#[tokio::test]
async fn every_field_that_is_missing_or_wrong_is_named_at_its_place() {
    let server = with_iris().await;
    let client = crate::support::Client::new();
    for (path, body, pointers) in [
        ("/v1/jobs", json!({}), json!(["/model", "/dataset", "/target"])),
        ("/v1/jobs", json!({"model": "iris-mlp"}), json!(["/dataset", "/target"])),
        ("/v1/jobs", json!({"model": 3, "features": 4}), json!(["/model", "/features", "/dataset", "/target"])),
        ("/v1/jobs", json!({"dataset": "iris", "targt": "species"}), json!(["/targt", "/model", "/target"])),
        (
            "/v1/jobs",
            json!({"note": [], "baselines": 3}),
            json!(["/note", "/baselines", "/model", "/dataset", "/target"]),
        ),
        ("/v1/models", json!({}), json!(["/name", "/definition"])),
        ("/v1/models", json!({"definition": {"layers": []}}), json!(["/name"])),
    ] {
        let answer = client.post(format!("{}{path}", server.url())).json(&body).send().await.unwrap();
        let problem = problem(path, answer, 422).await;
        let received: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(json!(received), pointers, "{body} {problem:#}");
    }
}

#[tokio::test]
async fn the_number_of_layers_is_that_of_the_service() {
    let server = with_iris().await;
    let layers = |count: usize| json!(vec![json!({"type": "flatten"}); count]);
    let words: &[&str] = &["expected 1 to 2000 layers"];
    let mistakes = [0, 2001, 10_001].map(|count| {
        let body = json!({"name": "a", "definition": {"layers": layers(count)}});
        Mistake::json("layers", body, "/definition/layers", words)
    });
    check(&server, "/v1/models", "application/json", mistakes.into()).await;
}
