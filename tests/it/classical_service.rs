//! Jobs of classical models whose numbers are scikit-learn's: class weights, and importances by permutation.

use crate::support::{classical_rows::rows, client, tables::Tables};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::LazyLock};

static FIXTURE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../fixtures/classical/service.json")).unwrap());

const ROWS: usize = 160;
const COLUMNS: [&str; 6] = ["x0", "x1", "x2", "x3", "x4", "x5"];

pub async fn post(tables: &Tables, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = tables.client.post(format!("{}{path}", tables.server.url())).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

pub async fn get(tables: &Tables, path: &str) -> (StatusCode, Value) {
    let answer = crate::support::get(format!("{}{path}", tables.server.url())).await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// The ended job of a model with this definition.
pub async fn train(tables: &Tables, name: &str, definition: &Value, job: Value) -> Value {
    let (status, model) = post(tables, "/v1/models", &json!({"name": name, "definition": definition})).await;
    assert_eq!(status, StatusCode::CREATED, "{model:#}");
    let mut request = json!({"model": name});
    request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    let (status, job) = post(tables, "/v1/jobs", &request).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{name}: {job:#}");
    let job = client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{name}: {job:#}");
    job
}

async fn upload(tables: &Tables) {
    for kind in ["two", "many", "value"] {
        tables.csv(kind, &rows(kind, ROWS).csv()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn class_weights_of_a_job_are_those_of_scikit_learn() {
    let tables = Tables::start().await;
    upload(&tables).await;
    let cases = FIXTURE["class_weights"].as_array().unwrap();
    let mut kinds = BTreeSet::new();
    for (index, case) in cases.iter().enumerate() {
        let (kind, name) = (case["rows"].as_str().unwrap(), format!("case-{index}"));
        let mut job = json!({"dataset": kind, "target": "y", "task": "classification", "features": COLUMNS,
                             "class_weight": case["class_weight"], "training": {"preprocessing": "none"}});
        if case["weighted"] == true {
            job["sample_weight"] = json!("w");
        }
        train(&tables, &name, &case["definition"], job).await;
        let labels = case["labels"].as_array().unwrap();
        let features = rows(kind, ROWS).features;
        let instances: Vec<Value> = (0..labels.len()).map(|row| json!(features.row(row).to_vec())).collect();
        let (status, answer) = tables.ask_predictions(&name, json!(instances)).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        let mut expected = case["scores"].as_array().unwrap().iter();
        for (prediction, label) in answer["predictions"].as_array().unwrap().iter().zip(labels) {
            assert_eq!(prediction["label"], *label, "{case}");
            let scores = prediction.get("probabilities").unwrap_or(&prediction["scores"]).as_object().unwrap();
            for score in scores.values() {
                let (score, expected) = (score.as_f64().unwrap(), expected.next().unwrap().as_f64().unwrap());
                assert!((score - expected).abs() < 1e-5, "{case}: {score} but scikit-learn has {expected}");
            }
        }
        assert!(expected.next().is_none());
        kinds.insert(case["definition"]["type"].as_str().unwrap());
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn permutation_importances_are_those_of_scikit_learn() {
    let tables = Tables::start().await;
    upload(&tables).await;
    let cases = FIXTURE["importances"].as_array().unwrap();
    assert!(cases.len() >= 5);
    for (index, case) in cases.iter().enumerate() {
        let name = format!("case-{index}");
        let task = if case["rows"] == "value" { "regression" } else { "classification" };
        let training = json!({"preprocessing": "none", "seed": case["seed"], "metrics": [case["metric"]]});
        let job = json!({"dataset": case["rows"], "target": "y", "task": task, "features": COLUMNS,
                         "split": {"method": "column", "column": "part"}, "training": training});
        train(&tables, &name, &case["definition"], job).await;
        let path = format!("/v1/models/{name}/versions/1/importances?kind=permutation");
        let (status, found) = get(&tables, &path).await;
        assert_eq!(status, StatusCode::OK, "{found:#}");
        assert_eq!(
            (&found["kind"], &found["metric"], &found["rows"], &found["n_rows"], &found["n_repeats"]),
            (&json!("permutation"), &case["metric"], &json!("validation"), &json!(ROWS / 4), &json!(5))
        );
        assert!(found["kinds"].as_array().unwrap().contains(&json!("permutation")));
        for (at, column) in COLUMNS.iter().enumerate() {
            let columns = found["columns"].as_array().unwrap();
            let mine = columns.iter().find(|it| it["column"] == *column).unwrap();
            for (name, expected) in [("importance", &case["mean"][at]), ("std", &case["std"][at])] {
                let (value, expected) = (mine[name].as_f64().unwrap(), expected.as_f64().unwrap());
                assert!((value - expected).abs() < 1e-9, "{case}: {column} {name} {value}, expected {expected}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_says_which_columns_matter() {
    let tables = Tables::start().await;
    let rows: String = (0..200)
        .map(|row| {
            let (signal, noise) = (row * 7 % 50, row * 13 % 17);
            format!("{signal},{noise},{},{}\n", ["a", "b", "c"][row % 3], if signal > 24 { "yes" } else { "no" })
        })
        .collect();
    tables.csv("table", &format!("signal,noise,city,y\n{rows}")).await;
    let layers = json!([{"type": "dense", "units": 8, "activation": "relu"},
                        {"type": "dense", "units": 1, "activation": "sigmoid"}]);
    let job = json!({"dataset": "table", "target": "y", "split": {"validation": 0.25},
                     "training": {"epochs": 60, "optimizer": {"type": "adam", "learning_rate": 0.02}}});
    train(&tables, "net", &json!({"layers": layers}), job.clone()).await;
    let path = "/v1/models/net/versions/1/importances";
    let (status, found) = get(&tables, path).await;
    assert_eq!(status, StatusCode::OK, "{found:#}");
    assert_eq!((&found["kind"], &found["metric"]), (&json!("permutation"), &json!("accuracy")), "{found:#}");
    assert_eq!(found["kinds"], json!(["permutation"]));
    let columns = found["columns"].as_array().unwrap();
    // A column of the table each, also where it is several inputs.
    assert_eq!(columns.len(), 3, "{found:#}");
    assert_eq!(columns[0]["column"], "signal", "{found:#}");
    assert!(columns[0]["importance"].as_f64().unwrap() > 0.2, "{found:#}");
    let (status, problem) = get(&tables, &format!("{path}?kind=impurity")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().contains("random_forest"), "{problem:#}");
    let (status, _) = get(&tables, &format!("{path}?kind=other")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // The same job has the same importances.
    train(&tables, "again", &json!({"layers": layers}), job).await;
    let (_, again) = get(&tables, "/v1/models/again/versions/1/importances").await;
    assert_eq!(again["columns"], found["columns"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_name_is_a_definition() {
    let tables = Tables::start().await;
    tables.csv("two", &rows("two", ROWS).csv()).await;
    let (status, model) = post(&tables, "/v1/models", &json!({"name": "forest", "definition": "random_forest"})).await;
    assert_eq!(status, StatusCode::CREATED, "{model:#}");
    assert_eq!(model["definition"]["type"], "random_forest");
    assert_eq!(model["definition"]["n_estimators"], 100);
    let dry =
        json!({"model": "x", "dataset": "two", "target": "y", "definition": "gaussian_nb", "task": "classification"});
    let (status, plan) = post(&tables, "/v1/jobs?dry_run=true", &dry).await;
    assert_eq!(status, StatusCode::OK, "{plan:#}");
    assert_eq!(plan["progress"]["unit"].as_str().unwrap_or("iterations"), "iterations");
    for wrong in ["random_forrest", ""] {
        let (status, problem) = post(&tables, "/v1/models", &json!({"name": "y", "definition": wrong})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], "/definition");
        assert!(error["detail"].as_str().unwrap().contains("random_forest"), "{problem:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_classes_are_a_binary_classification() {
    let tables = Tables::start().await;
    tables.csv("two", &rows("two", ROWS).csv()).await;
    tables.csv("many", &rows("many", ROWS).csv()).await;
    for definition in [json!("logistic_regression"), json!("svm"), json!("gradient_boosting")] {
        let name = definition.as_str().unwrap();
        let metrics = json!(["accuracy", "precision", "recall", "auc", "sparse_categorical_accuracy"]);
        let job = json!({"dataset": "two", "target": "y", "task": "classification", "features": COLUMNS,
                         "split": {"validation": 0.25}, "training": {"metrics": metrics}});
        let job = train(&tables, name, &definition, job).await;
        assert_eq!(job["task"], "binary_classification", "{job:#}");
        let matrix = &job["confusion_matrix"]["counts"];
        let count = |label: usize, predicted: usize| matrix[label][predicted].as_f64().unwrap();
        let all: f64 =
            (0..2).flat_map(|label| (0..2).map(move |predicted| (label, predicted))).map(|(a, b)| count(a, b)).sum();
        assert!((38.0..=42.0).contains(&all), "{matrix}");
        for (metric, expected) in [
            ("val_accuracy", (count(0, 0) + count(1, 1)) / all),
            ("val_sparse_categorical_accuracy", (count(0, 0) + count(1, 1)) / all),
            ("val_precision", count(1, 1) / (count(0, 1) + count(1, 1))),
            ("val_recall", count(1, 1) / (count(1, 0) + count(1, 1))),
        ] {
            let value = job["metrics"][metric].as_f64().unwrap();
            assert!((value - expected).abs() < 1e-9, "{name} {metric}: {value}, expected {expected}");
        }
        assert!(job["metrics"]["val_auc"].as_f64().unwrap() > 0.5, "{job:#}");
        let (_, version) = get(&tables, &format!("/v1/models/{name}/versions/1")).await;
        assert_eq!(version["signature"]["task"], "binary_classification");
        let (_, answer) = tables.ask_predictions(name, json!([[0.5, 2, 1, 1.5, 0.2, 3.1]])).await;
        let prediction = &answer["predictions"][0];
        let scores = prediction.get("probabilities").unwrap_or(&prediction["scores"]);
        assert_eq!(scores.as_object().unwrap().keys().collect::<Vec<_>>(), ["0", "1"], "{answer:#}");
    }
    let job = json!({"dataset": "many", "target": "y", "task": "classification", "features": COLUMNS});
    let job = train(&tables, "many", &json!("decision_tree"), job).await;
    assert_eq!(job["task"], "multiclass_classification");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_says_what_it_counts() {
    let tables = Tables::start().await;
    tables.csv("two", &rows("two", ROWS).csv()).await;
    for (definition, unit, count) in [
        (json!({"type": "random_forest", "n_estimators": 30}), "trees", 30),
        (json!({"type": "gradient_boosting", "max_iter": 4}), "rounds", 4),
        (json!({"type": "logistic_regression"}), "iterations", 0),
        (json!({"layers": [{"type": "dense", "units": 1, "activation": "sigmoid"}]}), "epochs", 3),
    ] {
        let mut job = json!({"dataset": "two", "target": "y", "task": "classification", "features": COLUMNS});
        if unit == "epochs" {
            job["training"] = json!({"epochs": 3});
        }
        let job = train(&tables, unit, &definition, job).await;
        assert_eq!((&job["progress"]["unit"], &job["progress"]["epochs"]), (&json!(unit), &json!(count)), "{job:#}");
        let (_, events) = get(&tables, &format!("/v1/jobs/{}/events", job["id"].as_str().unwrap())).await;
        let events = events["data"].as_array().unwrap();
        let counted: Vec<&Value> = events.iter().filter(|event| event["type"] == "epoch").collect();
        assert_eq!(counted.is_empty(), count == 0, "{unit}");
        assert!(counted.iter().all(|event| event["data"]["unit"] == unit), "{counted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fit_that_has_not_converged_is_told_of() {
    let tables = Tables::start().await;
    tables.csv("two", &rows("two", ROWS).csv()).await;
    for (at, (definition, is_told)) in [
        (json!({"type": "logistic_regression", "max_iter": 1, "tol": 1e-9}), true),
        (json!({"type": "svm", "max_iter": 3}), true),
        (json!({"type": "linear_svm", "loss": "hinge", "max_iter": 1}), true),
        (json!({"type": "logistic_regression"}), false),
        (json!({"type": "svm"}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("case-{at}");
        let job = json!({"dataset": "two", "target": "y", "task": "classification", "features": COLUMNS});
        let job = train(&tables, &name, &definition, job).await;
        let (_, version) = get(&tables, &format!("/v1/models/{name}/versions/1")).await;
        assert_eq!(version["fitted"]["converged"], !is_told, "{definition}: {version:#}");
        let (_, events) = get(&tables, &format!("/v1/jobs/{}/events", job["id"].as_str().unwrap())).await;
        let events = events["data"].as_array().unwrap();
        let told = |event: &Value| {
            let (level, text) = (&event["data"]["level"], event["data"]["text"].as_str().unwrap_or_default());
            level == "warning" && text.contains("before it converged") && text.contains("`max_iter`")
        };
        assert_eq!(events.iter().filter(|event| told(event)).count(), usize::from(is_told), "{definition}: {events:?}");
    }
}
