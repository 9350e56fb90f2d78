//! Classical models through the service: from a definition and a table to predictions, for every kind and both tasks.

use crate::support::{client, tables::Tables};
use epoca::engine::classical::ClassicalModel;
use reqwest::StatusCode;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");

/// Numbers, a category, a date and missing values; the class and the number follow from them.
fn mixed() -> String {
    let mut csv = "size,city,day,plan,price,bought\n".to_owned();
    for row in 0..160_i32 {
        let size = if row % 11 == 5 { String::new() } else { format!("{}", f64::from(row * 7 % 50) / 2.0) };
        let city = ["Rome", "Oslo", "Lima", ""][(row % 4) as usize];
        let plan = ["free", "paid"][((row / 3) % 2) as usize];
        let day = format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1);
        let price = 10.0 + f64::from(row * 7 % 50) + if city == "Oslo" { 25.0 } else { 0.0 };
        let bought = if (row * 7 % 50 > 25) == (plan == "paid") { "yes" } else { "no" };
        csv += &format!("{size},{city},{day},{plan},{price},{bought}\n");
    }
    csv
}

async fn post(tables: &Tables, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = tables.client.post(format!("{}{path}", tables.server.url())).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn get(tables: &Tables, path: &str) -> Value {
    let answer = crate::support::get(format!("{}{path}", tables.server.url())).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

/// The job of a model of this definition on `dataset`, which must succeed.
async fn train(tables: &Tables, name: &str, definition: &Value, job: Value) -> Value {
    let (status, model) = post(tables, "/v1/models", &json!({"name": name, "definition": definition})).await;
    assert_eq!(status, StatusCode::CREATED, "{model:#}");
    let mut request = json!({"model": name});
    request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    let (status, job) = post(tables, "/v1/jobs", &request).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job:#}");
    let job = client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{name}: {job:#}");
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn every_model_trains_and_predicts_on_columns_of_every_type() {
    let tables = Tables::start().await;
    tables.csv("mixed", &mixed()).await;
    let records = json!([
        {"size": 3.5, "city": "Oslo", "day": "2024-03-03", "plan": "paid"},
        {"size": null, "city": "Paris", "day": null, "plan": "free"},
    ]);
    for kind in ClassicalModel::NAMES {
        let mut trained = 0;
        for (target, other) in [("bought", "price"), ("price", "bought")] {
            let name = format!("{kind}-{target}");
            let definition = json!({"type": kind});
            let (status, model) = post(&tables, "/v1/models", &json!({"name": name, "definition": definition})).await;
            assert_eq!(status, StatusCode::CREATED, "{model:#}");
            assert_eq!(model["definition"]["type"], *kind);
            assert_eq!(model["summary"], Value::Null);
            let job = json!({"model": name, "dataset": "mixed", "target": target,
                             "features": ["size", "city", "day", "plan"], "split": {"validation": 0.2, "test": 0.1}});
            let (status, job) = post(&tables, "/v1/jobs", &job).await;
            if status == StatusCode::UNPROCESSABLE_ENTITY {
                let detail = job["errors"][0]["detail"].as_str().unwrap();
                assert!(detail.contains("expected a model for"), "{name}: {detail}");
                continue;
            }
            assert_eq!(status, StatusCode::ACCEPTED, "{name}: {job:#}");
            trained += 1;
            let job = client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await;
            assert_eq!(job["status"], "succeeded", "{name}: {job:#}");
            let metric = if target == "bought" { "accuracy" } else { "mean_squared_error" };
            for prefix in ["", "val_", "test_"] {
                assert!(job["metrics"][format!("{prefix}{metric}")].is_number(), "{name}: {job:#}");
            }
            assert!(job["training"].get("epochs").is_none(), "{job:#}");
            let (status, answer) = tables.ask_predictions(&name, records.clone()).await;
            assert_eq!(status, StatusCode::OK, "{name}: {answer:#}");
            for prediction in answer["predictions"].as_array().unwrap() {
                match target {
                    "bought" => assert!(["yes", "no"].contains(&prediction["label"].as_str().unwrap()), "{answer:#}"),
                    _ => assert!(prediction["value"].is_number(), "{answer:#}"),
                }
            }
            let warnings: Vec<&Value> = answer["warnings"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
            assert!(warnings.contains(&&json!("unseen_level")), "{answer:#}");
            let (_, target_in_record) = tables
                .ask_predictions(
                    &name,
                    json!([{"size": 1, "city": "Oslo", "day": null, "plan": "paid", target: other}]),
                )
                .await;
            assert_eq!(target_in_record["warnings"][0]["code"], "target_in_record", "{target_in_record:#}");
        }
        assert!(trained > 0, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forest_says_how_it_decides() {
    let tables = Tables::start().await;
    tables.csv("iris", IRIS).await;
    let forest = json!({"type": "random_forest", "n_estimators": 20, "random_state": 3});
    let job = json!({"dataset": "iris", "target": "species", "split": {"validation": 0.2}, "class_weight": "balanced"});
    let job = train(&tables, "forest", &forest, job).await;
    assert!(job["metrics"]["val_accuracy"].as_f64().unwrap() > 0.85, "{job:#}");
    assert_eq!(job["confusion_matrix"]["rows"], "validation");
    let version = "/v1/models/forest/versions/1";
    assert_eq!(get(&tables, version).await["fitted"]["n_trees"], 20);
    let importances = get(&tables, &format!("{version}/importances")).await;
    let columns = importances["columns"].as_array().unwrap();
    let sum: f64 = columns.iter().map(|column| column["importance"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{importances:#}");
    assert!(columns[0]["column"].as_str().unwrap().starts_with("petal"), "{importances:#}");
    let tree = get(&tables, &format!("{version}/tree?index=19")).await;
    assert_eq!((&tree["index"], &tree["trees"]), (&json!(19), &json!(20)));
    assert_eq!(tree["labels"], json!(["setosa", "versicolor", "virginica"]));
    let text = crate::support::get(format!("{}{version}/tree?format=text", tables.server.url())).await.unwrap();
    let text = text.text().await.unwrap();
    assert!(text.contains("|--- class: setosa") && text.contains("petal"), "{text}");
    let url = format!("{}{version}/tree?index=20", tables.server.url());
    assert_eq!(crate::support::get(url).await.unwrap().status(), StatusCode::NOT_FOUND);
    let url = format!("{}{version}/coefficients", tables.server.url());
    assert_eq!(crate::support::get(url).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_read_in_the_words_of_its_columns() {
    let tables = Tables::start().await;
    // The price is 100 for S and M, 0 for L and XL, and 10 more from 2024-03-01 on.
    let mut csv = "size,day,price\n".to_owned();
    for row in 0..240 {
        let (size, month) = (["S", "L", "M", "XL"][row % 4], if row % 8 < 4 { 2 } else { 3 });
        let price = 100 * usize::from(row % 2 == 0) + 10 * usize::from(month == 3);
        csv += &format!("{size},2024-{month:02}-{:02},{price}\n", 1 + row % 28);
    }
    tables.csv("sizes", &csv).await;
    let job = |features: Value| {
        json!({"dataset": "sizes", "target": "price", "features": features, "baselines": false,
               "preprocessing": {"columns": {"day": {"features": ["trend"]}}}})
    };
    let text = async |name: &str| {
        let url = format!("{}/v1/models/{name}/versions/1/tree?format=text", tables.server.url());
        crate::support::get(url).await.unwrap().text().await.unwrap()
    };
    let root = async |name: &str| {
        get(&tables, &format!("/v1/models/{name}/versions/1/tree")).await["nodes"][0]["split"].clone()
    };
    train(&tables, "boosted", &json!({"type": "gradient_boosting", "max_iter": 3}), job(json!(["size", "day"]))).await;
    let split = root("boosted").await;
    assert!(split["categories_left"].is_array() && split.get("threshold").is_none(), "{split:#}");
    let mut sides = [split["levels_left"].clone(), split["levels_right"].clone()];
    sides.sort_by_key(Value::to_string);
    assert_eq!(sides, [json!(["L", "XL"]), json!(["M", "S"])], "{split:#}");
    let words = text("boosted").await;
    assert!(words.contains("size in {M, S}") && words.contains("size in {L, XL}"), "{words}");

    train(&tables, "tree", &json!({"type": "decision_tree", "max_depth": 1}), job(json!(["size", "day"]))).await;
    let split = root("tree").await;
    // Label order: L, M, S, XL.
    assert!(split["threshold"].is_number(), "the code stays: {split:#}");
    let left = split["levels_left"].as_array().unwrap();
    let levels: Vec<&Value> = left.iter().chain(split["levels_right"].as_array().unwrap()).collect();
    assert_eq!(levels, ["L", "M", "S", "XL"], "{split:#}");
    assert!(text("tree").await.contains("size in {L"), "{split:#}");

    let mut one_hot = job(json!(["size", "day"]));
    one_hot["preprocessing"]["columns"]["size"] = json!({"encode": "one_hot"});
    train(&tables, "one-hot", &json!({"type": "decision_tree", "max_depth": 2}), one_hot).await;
    let split = root("one-hot").await;
    let level = split["levels_right"][0].as_str().unwrap();
    assert!(text("one-hot").await.contains(&format!("size not in {{{level}}}")), "{split:#}");

    train(&tables, "dates", &json!({"type": "decision_tree", "max_depth": 1}), job(json!(["day"]))).await;
    let split = root("dates").await;
    assert!(split["threshold"].as_f64().unwrap() > 1.7e9, "seconds: {split:#}");
    let date = split["threshold_date"].as_str().unwrap();
    assert!(date.starts_with("2024-0"), "{split:#}");
    assert!(text("dates").await.contains(&format!("day.trend <= {date}")), "{date}");
}

#[tokio::test(flavor = "multi_thread")]
async fn coefficients_have_the_names_of_columns() {
    let tables = Tables::start().await;
    // y = 3 a + 5 where city is Oslo + 1
    let rows: String = (0..60)
        .map(|row| {
            let (a, oslo) = (row % 7, row % 3 == 0);
            format!("{a},{},{}\n", if oslo { "Oslo" } else { "Rome" }, 3 * a + if oslo { 5 } else { 0 } + 1)
        })
        .collect();
    tables.csv("line", &format!("a,city,y\n{rows}")).await;
    let job = json!({"dataset": "line", "target": "y", "preprocessing": {"number": {"scale": "none"}}});
    train(&tables, "line", &json!({"type": "linear_regression"}), job).await;
    let found = get(&tables, "/v1/models/line/versions/1/coefficients").await;
    assert_eq!(found["columns"], json!(["a", "city=Oslo", "city=Rome"]));
    let coefficients = found["outputs"][0]["coefficients"].as_array().unwrap();
    let coefficient = |index: usize| coefficients[index].as_f64().unwrap();
    assert!((coefficient(0) - 3.0).abs() < 1e-9, "{found:#}");
    assert!((coefficient(1) - coefficient(2) - 5.0).abs() < 1e-9, "{found:#}");
    let answers = tables.predict("line", json!([{"a": 100, "city": "Oslo"}])).await;
    assert!((answers[0]["value"].as_f64().unwrap() - 306.0).abs() < 1e-6, "{answers:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn boosting_tells_of_every_round() {
    let tables = Tables::start().await;
    tables.csv("iris", IRIS).await;
    let boosting = json!({"type": "gradient_boosting", "max_iter": 12});
    let job = json!({"dataset": "iris", "target": "species", "split": {"validation": 0.2}});
    let job = train(&tables, "boosting", &boosting, job).await;
    assert_eq!((&job["progress"]["epoch"], &job["progress"]["epochs"]), (&json!(12), &json!(12)));
    assert_eq!(job["best_epoch"], 12, "{job:#}");
    let events = get(&tables, &format!("/v1/jobs/{}/events", job["id"].as_str().unwrap())).await;
    let rounds: Vec<&Value> =
        events["data"].as_array().unwrap().iter().filter(|event| event["type"] == "epoch").collect();
    assert_eq!(rounds.len(), 12);
    assert!(rounds.iter().all(|round| round["data"]["loss"].is_number() && round["data"]["val_loss"].is_number()));
    let history = get(&tables, &format!("/v1/jobs/{}/history", job["id"].as_str().unwrap())).await;
    assert_eq!(history["epoch"].as_array().unwrap().len(), 12, "{history:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_job_makes_the_same_file() {
    let tables = Tables::start().await;
    tables.csv("mixed", &mixed()).await;
    let forest = json!({"type": "extra_trees", "n_estimators": 8});
    let job = json!({"dataset": "mixed", "target": "bought", "training": {"seed": 5}});
    train(&tables, "a", &forest, job.clone()).await;
    train(&tables, "b", &forest, job).await;
    let [a, b] = ["a", "b"].map(|model| format!("/v1/models/{model}/versions/1"));
    assert_eq!(get(&tables, &a).await["sha256"], get(&tables, &b).await["sha256"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_where_it_is() {
    let tables = Tables::start().await;
    tables.csv("iris", IRIS).await;
    let (status, problem) =
        post(&tables, "/v1/models", &json!({"name": "x", "definition": {"type": "random_forest", "n_trees": 3}})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/definition/n_trees", "{problem:#}");
    let (status, problem) = post(
        &tables,
        "/v1/models",
        &json!({"name": "x", "definition": {"type": "decision_tree", "min_samples_leaf": 0}}),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/definition/min_samples_leaf", "{problem:#}");
    let definition = json!({"type": "k_neighbors", "n_neighbors": 400});
    post(&tables, "/v1/models", &json!({"name": "knn", "definition": definition})).await;
    let ridge = json!({"name": "ridge", "definition": {"type": "ridge"}});
    post(&tables, "/v1/models", &ridge).await;
    for (job, pointer, word) in [
        (json!({"training": {"epochs": 3}}), "/training/epochs", "the settings of a k_neighbors"),
        (json!({"training": {"metrics": ["acuracy"]}}), "/training/metrics", "accuracy"),
        (json!({"inputs": {"a": ["sepal_length"]}}), "/inputs", "one input"),
        (json!({"target": ["species", "sepal_width"]}), "/target", "one target column"),
        (json!({"task": "regression"}), "/task", "classification"),
        (json!({"preprocessing": {"number": {"missing": "keep"}}}), "/preprocessing", "missing"),
        (json!({"model": "ridge"}), "/model", "which learns numbers"),
    ] {
        let mut request = json!({"model": "knn", "dataset": "iris", "target": "species"});
        request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
        let (status, problem) = post(&tables, "/v1/jobs", &request).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{job} {problem:#}");
        let error = &problem["errors"][0];
        assert!(error["pointer"].as_str().unwrap().starts_with(pointer), "{job} {problem:#}");
        assert!(error["detail"].as_str().unwrap().contains(word), "{job} {problem:#}");
    }
    let job = json!({"model": "knn", "dataset": "iris", "target": "species"});
    let (status, problem) = post(&tables, "/v1/jobs", &job).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("n_neighbors"), "{problem:#}");
}
