//! Baselines of jobs: what they are compared on, and what the comparison says.

use crate::support::{client, tables::Tables};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Two numbers whose product says the class, which no plane divides; `rows` of them.
fn product(rows: usize) -> String {
    let mut csv = "a,b,class,amount\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 37 % 101) as f64 / 50.0 - 1.0, (row * 61 % 97) as f64 / 48.0 - 1.0);
        csv += &format!("{a},{b},{},{}\n", if a * b > 0.0 { "same" } else { "other" }, 3.0 * a - 2.0 * b + 5.0);
    }
    csv
}

async fn post(tables: &Tables, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = tables.client.post(format!("{}{path}", tables.server.url())).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn get(tables: &Tables, path: &str) -> Value {
    crate::support::get(format!("{}{path}", tables.server.url())).await.unwrap().json().await.unwrap()
}

async fn define(tables: &Tables, name: &str, definition: Value) {
    let (status, model) = post(tables, "/v1/models", &json!({"name": name, "definition": definition})).await;
    assert_eq!(status, StatusCode::CREATED, "{model:#}");
}

async fn train(tables: &Tables, job: Value) -> Value {
    let (status, job) = post(tables, "/v1/jobs", &job).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job:#}");
    let job = client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    job
}

fn layers(units: u32, activation: &str) -> Value {
    json!({"layers": [{"type": "dense", "units": units, "activation": activation}]})
}

/// The entries without their times.
fn values(job: &Value) -> Vec<(String, f64, f64, f64)> {
    let of_entry = |entry: &Value| {
        let number = |name: &str| entry[name].as_f64().unwrap();
        assert!(number("fit_seconds") >= 0.0 && number("predict_seconds") >= 0.0 && entry["bytes"].is_u64(), "{entry}");
        assert!(number("low") <= number("value") && number("value") <= number("high"), "{entry}");
        (entry["model"].as_str().unwrap().to_owned(), number("value"), number("low"), number("high"))
    };
    job["leaderboard"]["entries"].as_array().unwrap().iter().map(of_entry).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_a_tree_beats_is_told_so_on_the_job_and_its_version() {
    let tables = Tables::start().await;
    tables.csv("product", &product(600)).await;
    define(&tables, "plane", layers(1, "sigmoid")).await;
    let request = json!({"model": "plane", "dataset": "product", "target": "class", "features": ["a", "b"],
                         "training": {"epochs": 3, "metrics": ["accuracy"], "seed": 3}, "split": {"validation": 0.3}});
    let job = train(&tables, request.clone()).await;
    assert_eq!(job["baselines"], true, "the default for a table of this size");
    let board = &job["leaderboard"];
    assert_eq!(
        [&board["metric"], &board["part"], &board["rows"]],
        [&json!("accuracy"), &json!("validation"), &json!(180)]
    );
    let models = values(&job);
    assert_eq!(board["skipped"], json!([]));
    let mut names: Vec<&str> = models.iter().map(|(name, ..)| name.as_str()).collect();
    assert!(models.windows(2).all(|pair| pair[0].1 >= pair[1].1), "best first: {models:?}");
    names.sort_unstable();
    let expected =
        ["decision_tree", "dummy", "gradient_boosting", "k_neighbors", "logistic_regression", "network", "svm"];
    assert_eq!(names, expected);
    let own = board["entries"].as_array().unwrap().iter().find(|entry| entry["is_job"] == true).unwrap();
    let accuracy = job["metrics"]["val_accuracy"].as_f64().unwrap();
    assert!((own["value"].as_f64().unwrap() - accuracy).abs() < 1e-6, "the same rows: {own} and {accuracy}");
    assert_eq!(board["finding"], "baseline_is_better");
    let sentence = board["sentence"].as_str().unwrap();
    let best = board["entries"][0]["model"].as_str().unwrap();
    assert!(sentence.starts_with(&format!("{best} reaches an accuracy of ")), "{sentence}");
    assert!(sentence.ends_with("on the same 180 validation rows: a network is not needed here"), "{sentence}");
    let version = get(&tables, "/v1/models/plane/versions/1").await;
    assert_eq!(version["leaderboard"], *board);
    let listed = get(&tables, "/v1/jobs").await;
    assert!(listed["data"][0].get("leaderboard").is_none(), "an overview leaves it out");
    assert_eq!(values(&train(&tables, request).await), models, "the same seed, the same comparison");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_compared_in_their_own_units_on_the_test_rows() {
    let tables = Tables::start().await;
    tables.csv("product", &product(600)).await;
    define(&tables, "line", layers(1, "linear")).await;
    let job = json!({"model": "line", "dataset": "product", "target": "amount", "features": ["a", "b"],
                     "training": {"epochs": 2, "metrics": ["root_mean_squared_error"]}, "split": {"validation": 0.2, "test": 0.2}});
    let job = train(&tables, job).await;
    let board = &job["leaderboard"];
    assert_eq!([&board["metric"], &board["part"]], [&json!("root_mean_squared_error"), &json!("test")], "{job:#}");
    assert_eq!((&board["rows"], &board["higher_is_better"]), (&json!(120), &json!(false)));
    let own = board["entries"].as_array().unwrap().iter().find(|entry| entry["is_job"] == true).unwrap();
    let error = job["metrics"]["test_root_mean_squared_error"].as_f64().unwrap();
    assert!((own["value"].as_f64().unwrap() / error - 1.0).abs() < 1e-4, "{own} and {error}");
    // The amount is linear, which is what ridge learns.
    assert_eq!(board["entries"][0]["model"], "ridge", "{board:#}");
    assert_eq!(board["finding"], "baseline_is_better");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classical_model_has_baselines_of_other_types() {
    let tables = Tables::start().await;
    tables.csv("product", &product(3000)).await;
    define(&tables, "trees", json!({"type": "gradient_boosting"})).await;
    let job = json!({"model": "trees", "dataset": "product", "target": "class", "features": ["a", "b"],
                     "split": {"validation": 0.2}});
    let job = train(&tables, job).await;
    let models = values(&job);
    assert_eq!(models.iter().filter(|(name, ..)| name == "gradient_boosting").count(), 1, "{models:?}");
    let skipped = job["leaderboard"]["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0], json!({"model": "svm", "reason": "expected at most 2000 training rows, received 2400"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn baselines_are_off_where_nothing_can_be_compared_and_refused_where_they_are_asked_for() {
    let tables = Tables::start().await;
    tables.csv("product", &product(60)).await;
    define(&tables, "plane", layers(1, "sigmoid")).await;
    define(&tables, "lines", layers(2, "linear")).await;
    let one = json!({"model": "plane", "dataset": "product", "target": "class", "features": ["a", "b"]});
    let with = |job: &Value, name: &str, value: Value| {
        let mut job = job.clone();
        job[name] = value;
        job
    };
    let (status, plan) = post(&tables, "/v1/jobs?dry_run=true", &one).await;
    assert_eq!((status, &plan["baselines"]), (StatusCode::OK, &json!(false)), "{plan:#}");
    let (status, problem) = post(&tables, "/v1/jobs", &with(&one, "baselines", json!(true))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
    assert_eq!(problem["errors"][0]["pointer"], "/baselines");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("split.validation"), "{problem:#}");

    let split = with(&one, "split", json!({"validation": 0.2}));
    let (_, plan) = post(&tables, "/v1/jobs?dry_run=true", &split).await;
    assert_eq!(plan["baselines"], true);
    assert!(plan["summary"]["memory"]["baselines_bytes"].as_u64().unwrap() > 0, "{plan:#}");
    let without = train(&tables, with(&split, "baselines", json!(false))).await;
    assert!(without.get("leaderboard").is_none() && without["baselines"] == false, "{without:#}");

    let several = json!({"model": "lines", "dataset": "product", "target": ["a", "amount"], "features": ["b"],
                         "split": {"validation": 0.2}});
    let (_, plan) = post(&tables, "/v1/jobs?dry_run=true", &several).await;
    assert_eq!(plan["baselines"], false, "{plan:#}");
    let (status, problem) = post(&tables, "/v1/jobs", &with(&several, "baselines", json!(true))).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/baselines")));
}

/// `x` says the class: `rare` above 0.9, `common` below. `weight` is 20 for rare rows.
fn rare(rows: usize, above: f64) -> String {
    let mut csv = "x,weight,class\n".to_owned();
    for row in 0..rows {
        let x = (row * 37 % 101) as f64 / 101.0;
        let (weight, class) = if x > above { (20, "rare") } else { (1, "common") };
        csv += &format!("{x},{weight},{class}\n");
    }
    csv
}

fn value_of(job: &Value, model: &str) -> f64 {
    values(job).into_iter().find(|(name, ..)| name == model).unwrap_or_else(|| panic!("no {model}: {job:#}")).1
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_and_weighted_classes_are_compared_by_the_balanced_accuracy() {
    let tables = Tables::start().await;
    tables.csv("rare", &rare(600, 0.9)).await;
    tables.csv("common", &rare(600, 0.4)).await;
    define(&tables, "plane", layers(1, "sigmoid")).await;
    define(&tables, "tree", json!({"type": "decision_tree", "max_depth": 1})).await;
    define(&tables, "balanced", json!({"type": "decision_tree", "class_weight": "balanced"})).await;
    let job = |model: &str, dataset: &str, training: Value| {
        json!({"model": model, "dataset": dataset, "target": "class", "features": ["x"], "training": training,
               "split": {"validation": 0.3}})
    };
    // A network that learns nothing.
    let still = json!({"epochs": 1, "optimizer": {"type": "sgd", "learning_rate": 1e-9}, "seed": 3});
    let network = train(&tables, job("plane", "rare", still.clone())).await;
    let board = &network["leaderboard"];
    assert_eq!(
        [&board["metric"], &board["higher_is_better"]],
        [&json!("balanced_accuracy"), &json!(true)],
        "{board:#}"
    );
    assert_eq!(value_of(&network, "dummy"), 0.5);
    assert!(value_of(&network, "decision_tree") > 0.9, "{board:#}");
    assert_eq!(board["finding"], "baseline_is_better", "{board:#}");
    assert!(board["sentence"].as_str().unwrap().contains(" reaches a balanced accuracy of "), "{board:#}");

    let plain = train(&tables, job("plane", "common", still)).await;
    assert_eq!(plain["leaderboard"]["metric"], "accuracy");
    let weighted = train(&tables, job("tree", "common", json!({"class_weight": {"rare": 5.0}}))).await;
    let oversampled = train(&tables, job("tree", "common", json!({"oversampling": true}))).await;
    let of_model = train(&tables, job("balanced", "common", json!({}))).await;
    for job in [weighted, oversampled, of_model] {
        assert_eq!(job["leaderboard"]["metric"], "balanced_accuracy", "{job:#}");
        assert_eq!(value_of(&job, "dummy"), 0.5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dummy_says_the_most_frequent_class_of_rows_without_weights() {
    let tables = Tables::start().await;
    // 60 of 100 rows are `common`; with weights most of the weight is on `rare`.
    tables.csv("weighted", &rare(600, 0.6)).await;
    define(&tables, "tree", json!({"type": "decision_tree"})).await;
    let job = json!({"model": "tree", "dataset": "weighted", "target": "class", "features": ["x"],
                     "training": {"sample_weight": "weight"}, "split": {"validation": 0.3}});
    let job = train(&tables, job).await;
    assert_eq!(job["leaderboard"]["metric"], "accuracy");
    let share = value_of(&job, "dummy");
    assert!(share > 0.5, "{share} of {:#}", job["leaderboard"]);
}
