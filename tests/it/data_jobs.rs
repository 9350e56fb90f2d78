//! What a job makes of its columns: numbers that a scale cannot take, the task of a target, warnings.

use crate::support::{client, tables::Tables};
use serde_json::{Value, json};

/// The answer to a job of a model of this definition, which is defined under a new name.
async fn ask(tables: &Tables, definition: Value, job: Value) -> (u16, Value) {
    let (url, name) = (tables.server.url(), format!("m-{}", uuid::Uuid::now_v7()));
    let model = json!({"name": name, "definition": definition});
    let answer = tables.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let mut request = json!({"model": name, "baselines": false});
    request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    let answer = tables.client.post(format!("{url}/v1/jobs")).json(&request).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The job at its end.
async fn ended(tables: &Tables, definition: Value, job: Value) -> Value {
    let (status, job) = ask(tables, definition, job).await;
    assert_eq!(status, 202, "{job:#}");
    client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await
}

fn network() -> Value {
    json!({"layers": [{"type": "dense", "units": 1}]})
}

fn lines(from: i32) -> String {
    format!("x,y\n{}", (from..from + 30).map(|x| format!("{x},{x}\n")).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_scale_cannot_take_is_named_with_its_row_and_column() {
    let tables = Tables::start().await;
    tables.csv("t", &lines(0)).await;
    tables.csv("below", &lines(-1)).await;
    let tree = || json!({"type": "decision_tree"});
    let log = json!({"columns": {"x": {"scale": "log1p"}}});
    let after = json!({"columns": {"x": {"scale": ["standardize", "log1p"]}}});
    let of_target = json!({"target": {"scale": ["standardize", "log1p"]}});
    let failed = |preprocessing: &Value| json!({"dataset": "t", "target": "y", "preprocessing": preprocessing});
    let validated = |preprocessing: &Value| json!({"dataset": "t", "target": "y", "preprocessing": preprocessing, "validation_dataset": "below"});
    for (definition, job, words) in [
        (network(), validated(&log), ["\"below\": row 1", "over -1", "\"x\", received -1"]),
        (tree(), validated(&log), ["\"below\": row 1", "over -1", "\"x\", received -1"]),
        (network(), failed(&after), ["\"t\": row 1", "before log1p", "\"x\", received 0"]),
        (tree(), failed(&after), ["\"t\": row 1", "before log1p", "\"x\", received 0"]),
        (network(), failed(&of_target), ["\"t\": row 1", "before log1p", "\"y\", received 0"]),
    ] {
        let job = ended(&tables, definition, job).await;
        assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("invalid_data")), "{job:#}");
        let detail = job["error"]["detail"].as_str().unwrap();
        words.iter().for_each(|word| assert!(detail.contains(word), "no {word:?} in {detail}"));
    }
    for definition in [network(), tree()] {
        let job = ended(&tables, definition, failed(&log)).await;
        assert_eq!(job["status"], "succeeded", "{job:#}");
        let model = job["model"].as_str().unwrap();
        for value in [-1, -5] {
            let (status, problem) = tables.ask_predictions(model, json!([{"x": 3}, {"x": value}])).await;
            assert_eq!((status.as_u16(), &problem["errors"][0]["pointer"]), (422, &json!("/instances/1/x")));
            let detail = problem["errors"][0]["detail"].as_str().unwrap();
            assert!(detail.contains("over -1") && detail.ends_with(&format!("received {value}")), "{detail}");
        }
    }
}

/// scikit-learn's scalers subtract the mean of a constant column, and divide by 1.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_does_not_vary_is_learned() {
    let tables = Tables::start().await;
    let rows: String = (0..60).map(|row| format!("{row},500\n")).collect();
    tables.csv("t", &format!("x,y\n{rows}")).await;
    let training = json!({"epochs": 200, "batch_size": "full", "optimizer": {"type": "adam", "learning_rate": 0.05}});
    for scale in [Value::Null, json!("standardize"), json!("min_max"), json!("robust"), json!(["log1p", "standardize"])]
    {
        let mut job = json!({"dataset": "t", "target": "y", "training": training});
        if !scale.is_null() {
            job["preprocessing"] = json!({"target": {"scale": scale}});
        }
        let job = ended(&tables, network(), job).await;
        let answers = tables.predict(job["model"].as_str().unwrap(), json!([[3], [50]])).await;
        for answer in answers.as_array().unwrap() {
            let value = answer["value"].as_f64().unwrap();
            assert!((value - 500.0).abs() < 5.0, "{scale}: {value}");
        }
        assert!(job["metrics"]["mean_absolute_error"].as_f64().unwrap() < 5.0, "{job:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_0_and_1_have_the_cross_entropy_of_their_units() {
    let tables = Tables::start().await;
    let rows: String =
        (0..40).map(|row| format!("{row},{},{},true\n", u8::from(row > 19), u8::from(row <= 19))).collect();
    let rows = rows.replacen("true", "false", 20);
    tables.csv("flags", &format!("x,a,b,c\n{rows}")).await;
    let signs: String = (0..40).map(|row| format!("{row},{},{}\n", row % 2 * 2 - 1, row % 3 / 2 * 2 - 1)).collect();
    tables.csv("signs", &format!("x,a,b\n{signs}")).await;
    let layers = |activation: &str| json!({"layers": [{"type": "dense", "units": 2, "activation": activation}]});
    let training = json!({"epochs": 300, "batch_size": "full", "optimizer": {"type": "adam", "learning_rate": 0.05}});
    for (activation, target, task, loss) in [
        ("sigmoid", json!(["a", "b"]), "multilabel_classification", "binary_crossentropy"),
        ("sigmoid", json!(["a", "c"]), "multilabel_classification", "binary_crossentropy"),
        ("softmax", json!(["a", "b"]), "multiclass_classification", "categorical_crossentropy"),
    ] {
        let job = json!({"dataset": "flags", "features": ["x"], "target": target, "training": training});
        let job = ended(&tables, layers(activation), job).await;
        assert_eq!((&job["status"], &job["task"]), (&json!("succeeded"), &json!(task)), "{job:#}");
        let received = &job["training"]["loss"];
        assert_eq!(received.as_str().or(received["type"].as_str()), Some(loss), "{job:#}");
        let answers = tables.predict(job["model"].as_str().unwrap(), json!([[1], [38]])).await;
        let of_a = |row: usize| answers[row]["value"]["a"].as_f64().unwrap();
        assert!(of_a(0) < 0.1 && of_a(1) > 0.9, "{answers:#}");
    }
    // a sigmoid does not output -1
    let job = json!({"dataset": "signs", "features": ["x"], "target": ["a", "b"]});
    let (status, problem) = ask(&tables, layers("sigmoid"), job).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/target/0")), "{problem:#}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("\"a\" has -1 to 1"), "{problem:#}");
}
