//! What a job makes of its columns: numbers that a scale cannot take, the task of a target, warnings.

use crate::support::tables::Tables;
use serde_json::{Value, json};

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
    let validated = |preprocessing: &Value| {
        let mut job = failed(preprocessing);
        job["validation_dataset"] = json!("below");
        job
    };
    for (definition, job, words) in [
        (network(), validated(&log), ["\"below\": row 1", "over -1", "\"x\", received -1"]),
        (tree(), validated(&log), ["\"below\": row 1", "over -1", "\"x\", received -1"]),
        (network(), failed(&after), ["\"t\": row 1", "before log1p", "\"x\", received 0"]),
        (tree(), failed(&after), ["\"t\": row 1", "before log1p", "\"x\", received 0"]),
        (network(), failed(&of_target), ["\"t\": row 1", "before log1p", "\"y\", received 0"]),
    ] {
        let job = tables.ended_job(definition, job).await;
        assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("invalid_data")), "{job:#}");
        let detail = job["error"]["detail"].as_str().unwrap();
        words.iter().for_each(|word| assert!(detail.contains(word), "no {word:?} in {detail}"));
    }
    for definition in [network(), tree()] {
        let job = tables.ended_job(definition, failed(&log)).await;
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
        let job = tables.ended_job(network(), job).await;
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
        let job = tables.ended_job(layers(activation), job).await;
        assert_eq!((&job["status"], &job["task"]), (&json!("succeeded"), &json!(task)), "{job:#}");
        let received = &job["training"]["loss"];
        assert_eq!(received.as_str().or(received["type"].as_str()), Some(loss), "{job:#}");
        let answers = tables.predict(job["model"].as_str().unwrap(), json!([[1], [38]])).await;
        let of_a = |row: usize| answers[row]["value"]["a"].as_f64().unwrap();
        assert!(of_a(0) < 0.1 && of_a(1) > 0.9, "{answers:#}");
    }
    // a sigmoid does not output -1
    let job = json!({"dataset": "signs", "features": ["x"], "target": ["a", "b"]});
    let (status, problem) = tables.ask_job(layers("sigmoid"), job).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/target/0")), "{problem:#}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("\"a\" has -1 to 1"), "{problem:#}");
}

/// The texts of the messages of a job that are warnings.
async fn told(tables: &Tables, job: &Value) -> Vec<String> {
    let url = format!("{}/v1/jobs/{}/events", tables.server.url(), job["id"].as_str().unwrap());
    let events: Value = crate::support::get(url).await.unwrap().json().await.unwrap();
    let messages = events["data"].as_array().unwrap().iter().map(|event| &event["data"]);
    let warnings = messages.filter(|data| data["level"] == "warning");
    warnings.map(|data| data["text"].as_str().unwrap().to_owned()).collect()
}

/// The codes of the warnings of a job, in its order.
fn codes(job: &Value) -> Vec<&str> {
    job["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_whole_numbers_are_classes_of_trees_and_others_are_numbers() {
    let tables = Tables::start().await;
    for (name, values, task, codes_of_job) in [
        ("bits", vec![0, 1], "binary_classification", vec![]),
        ("signs", vec![-1, 1], "binary_classification", vec![]),
        ("ranks", vec![1, 2], "binary_classification", vec![]),
        ("sizes", vec![10, 20], "binary_classification", vec!["doubtful_task"]),
        ("grades", vec![1, 2, 3], "regression", vec!["doubtful_task"]),
        ("digits", (0..10).collect(), "regression", vec!["doubtful_task"]),
        ("tens", vec![10, 20, 30], "regression", vec![]),
        ("counts", (0..30).collect(), "regression", vec![]),
    ] {
        let rows: String = (0..60).map(|row| format!("{row},{}\n", values[row * values.len() / 60])).collect();
        tables.csv(name, &format!("x,y\n{rows}")).await;
        for kind in ["decision_tree", "k_neighbors"] {
            let mut job = json!({"dataset": name, "target": "y"});
            let answer = tables.ended_job(json!({"type": kind}), job.clone()).await;
            assert_eq!((&answer["status"], &answer["task"]), (&json!("succeeded"), &json!(task)), "{name}: {answer:#}");
            assert_eq!(codes(&answer), codes_of_job, "{name}: {answer:#}");
            let answers = tables.predict(answer["model"].as_str().unwrap(), json!([[0]])).await;
            let field = if task == "regression" { "value" } else { "label" };
            let difference = answers[0][field].as_f64().unwrap() - f64::from(values[0]);
            assert!(difference.abs() < 1.0, "{name} {kind}: {answers:#}");
            if codes_of_job.is_empty() {
                continue;
            }
            let (other, detail) = match task {
                "regression" => ("multiclass_classification", "\"task\": \"classification\""),
                _ => ("regression", "\"task\": \"regression\""),
            };
            assert!(answer["warnings"][0]["detail"].as_str().unwrap().contains(detail), "{answer:#}");
            job["task"] = json!(if other == "regression" { "regression" } else { "classification" });
            let answer = tables.ended_job(json!({"type": kind}), job).await;
            assert_eq!((&answer["task"], codes(&answer)), (&json!(other), vec![]), "{name}: {answer:#}");
        }
    }
    // a linear unit says neither
    let mut job = json!({"dataset": "bits", "target": "y"});
    let (_, answer) = tables.ask_job(network(), job.clone()).await;
    assert_eq!((&answer["task"], codes(&answer)), (&json!("regression"), vec!["doubtful_task"]), "{answer:#}");
    job["task"] = json!("binary_classification");
    let (_, answer) = tables.ask_job(network(), job).await;
    assert_eq!((&answer["task"], codes(&answer)), (&json!("binary_classification"), vec![]), "{answer:#}");
    // settings of a regressor say what is meant
    let job = json!({"dataset": "bits", "target": "y"});
    let answer = tables.ended_job(json!({"type": "decision_tree", "criterion": "squared_error"}), job).await;
    assert_eq!((&answer["task"], codes(&answer)), (&json!("regression"), vec![]), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classical_model_has_the_warnings_of_a_network_about_columns() {
    let tables = Tables::start().await;
    let genre = |row: usize| ["action", "comedy", "action|comedy", "drama|comedy", "drama"][row % 5];
    let rare = |row: usize| if row == 7 { "rare" } else { ["a", "b"][row % 2] };
    let row = |row: usize| format!("{row},3,{},{},{}\n", genre(row), rare(row), row * 7 % 60);
    tables.csv("t", &format!("x,fee,genre,kind,price\n{}", (0..60).map(row).collect::<String>())).await;
    let softmax = |units: usize| json!({"layers": [{"type": "dense", "units": units, "activation": "softmax"}]});
    for (target, features, network, expected) in [
        ("genre", json!(["x", "fee"]), softmax(5), vec!["constant_columns", "label_lists"]),
        ("kind", json!(["x"]), softmax(3), vec!["rare_classes"]),
        ("price", json!(["x", "price"]), network(), vec!["target_among_features"]),
    ] {
        for definition in [network, json!({"type": "decision_tree"}), json!({"type": "k_neighbors"})] {
            let job = json!({"dataset": "t", "target": target, "features": features, "split": {"validation": 0.2}});
            let (status, job) = tables.ask_job(definition, job).await;
            assert_eq!(status, 202, "{job:#}");
            let mut received = codes(&job);
            received.sort_unstable();
            assert_eq!(received, expected, "{target}: {job:#}");
        }
    }
}

/// scikit-learn's trees read 32 bits: its DecisionTreeClassifier has an accuracy of 0.57 on the seconds.
#[tokio::test(flavor = "multi_thread")]
async fn trees_keep_numbers_apart_that_32_bits_do_not() {
    let tables = Tables::start().await;
    let half = |row: i64| if row < 35 { "a" } else { "b" };
    let seconds: String = (0..70).map(|row| format!("{},{}\n", 1_700_000_000 + row, half(row))).collect();
    tables.csv("seconds", &format!("x,y\n{seconds}")).await;
    let day = |row: i64| format!("2024-01-01T00:{:02}:{:02}", row / 6, row % 6 * 10);
    let steps: String = (0..60).map(|row| format!("{},{}.5\n", day(row), row * row)).collect();
    tables.csv("steps", &format!("day,y\n{steps}")).await;
    // its accuracy on these is 0.5: numbers closer than 1e-7 are one
    let metres: String = (0..70).map(|row| format!("{row}e-9,{}\n", half(row))).collect();
    tables.csv("metres", &format!("x,y\n{metres}")).await;
    for kind in ["decision_tree", "extra_trees", "random_forest"] {
        let definition = match kind {
            "random_forest" => json!({"type": kind, "n_estimators": 20, "bootstrap": false}),
            _ => json!({"type": kind}),
        };
        let job = tables.ended_job(definition.clone(), json!({"dataset": "seconds", "target": "y"})).await;
        assert_eq!(job["metrics"]["accuracy"], 1.0, "{kind}: {job:#}");
        let model = job["model"].as_str().unwrap().to_owned();
        let answers = tables.predict(&model, json!([[1_700_000_034], [1_700_000_035]])).await;
        assert_eq!((&answers[0]["label"], &answers[1]["label"]), (&json!("a"), &json!("b")), "{kind}");
        assert_eq!(told(&tables, &job).await, Vec::<String>::new());
        if kind == "decision_tree" {
            let url = format!("{}/v1/models/{model}/versions/1/tree", tables.server.url());
            let tree: Value = crate::support::get(url).await.unwrap().json().await.unwrap();
            assert_eq!(tree["nodes"][0]["split"]["threshold"], 1_700_000_034.5, "{tree:#}");
        }
        let job = tables.ended_job(definition.clone(), json!({"dataset": "metres", "target": "y"})).await;
        assert_eq!(job["metrics"]["accuracy"], 1.0, "{kind}: {job:#}");
        let answers = tables.predict(job["model"].as_str().unwrap(), json!([[34e-9], [35e-9]])).await;
        assert_eq!((&answers[0]["label"], &answers[1]["label"]), (&json!("a"), &json!("b")), "{kind}");
        let job = tables.ended_job(definition, json!({"dataset": "steps", "target": "y"})).await;
        assert_eq!(job["metrics"]["mean_squared_error"], 0.0, "{kind}: {job:#}");
        let model = job["model"].as_str().unwrap();
        assert_eq!(
            tables.predict(model, json!([[day(17)], [day(18)]])).await,
            json!([{"value": 289.5}, {"value": 324.5}])
        );
    }
    // ids over so wide a range stay one in 32 bits
    let ids: String =
        (0..40_i64).map(|row| format!("{},{}\n", row / 2 * 1_000_000_000 + row % 2 + 1, half(row % 2 * 40))).collect();
    tables.csv("ids", &format!("id,y\n{ids}")).await;
    let job = tables.ended_job(json!({"type": "decision_tree"}), json!({"dataset": "ids", "target": "y"})).await;
    let told = told(&tables, &job).await;
    assert!(told.len() == 1 && told[0].starts_with("19 different numbers of \"id\""), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_no_row_to_train_on_has_is_named() {
    let tables = Tables::start().await;
    let row = |row: usize| {
        let part = if row < 40 { "train" } else { "validation" };
        format!("{row},{part},{}\n", if row == 50 { "c" } else { ["a", "b"][row % 2] })
    };
    tables.csv("t", &format!("x,part,y\n{}", (0..60).map(row).collect::<String>())).await;
    let softmax = json!({"layers": [{"type": "dense", "units": 3, "activation": "softmax"}]});
    for definition in [softmax, json!({"type": "decision_tree"})] {
        let job = json!({"dataset": "t", "target": "y", "split": {"method": "column", "column": "part"}});
        let told = told(&tables, &tables.ended_job(definition, job).await).await;
        assert!(told.len() == 1 && told[0].ends_with("not learned: c"), "{told:?}");
    }
}
