//! Tables and settings that a classical model cannot learn from, or only with care, through the service.

use crate::{
    classical_service::{post, train},
    support::{client, tables::Tables},
};
use epoca::engine::classical::ClassicalModel;
use reqwest::StatusCode;
use serde_json::{Value, json};

const CLASSIFIERS: [&str; 10] = [
    "decision_tree",
    "dummy",
    "extra_trees",
    "gaussian_nb",
    "gradient_boosting",
    "k_neighbors",
    "linear_svm",
    "logistic_regression",
    "random_forest",
    "svm",
];
const REGRESSORS: [&str; 12] = [
    "decision_tree",
    "dummy",
    "elastic_net",
    "extra_trees",
    "gradient_boosting",
    "k_neighbors",
    "lasso",
    "linear_regression",
    "linear_svm",
    "random_forest",
    "ridge",
    "svm",
];

/// The ended job, or the problem of what was refused, of a model with this definition.
async fn attempt(tables: &Tables, name: &str, definition: &Value, job: Value) -> (StatusCode, Value) {
    let (status, model) = post(tables, "/v1/models", &json!({"name": name, "definition": definition})).await;
    if status != StatusCode::CREATED {
        return (status, model);
    }
    let mut request = json!({"model": name});
    request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    let (status, job) = post(tables, "/v1/jobs", &request).await;
    if status != StatusCode::ACCEPTED {
        return (status, job);
    }
    (status, client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await)
}

fn detail(problem: &Value) -> &str {
    problem["errors"][0]["detail"].as_str().unwrap_or_else(|| panic!("{problem:#}"))
}

/// Two columns, a class and a number.
fn table(rows: usize, cells: impl Fn(usize) -> (String, String, String, String)) -> String {
    let mut csv = "a,b,class,number\n".to_owned();
    for row in 0..rows {
        let (a, b, class, number) = cells(row);
        csv += &format!("{a},{b},{class},{number}\n");
    }
    csv
}

/// Numbers without a pattern, from -1 to 1.
fn noise(row: usize, salt: usize) -> f64 {
    ((row * 7919 + salt * 104_729) % 1999) as f64 / 999.5 - 1.0
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_out_of_range_are_refused_by_name() {
    let tables = Tables::start().await;
    let mut tried = 0;
    for (kind, fields) in [
        (
            "decision_tree",
            json!({"max_depth": 0, "min_samples_split": 1, "min_samples_leaf": 0, "min_weight_fraction_leaf": 0.6,
                                 "min_impurity_decrease": -0.1, "max_leaf_nodes": 1, "ccp_alpha": -1, "criterion": "ginny",
                                 "splitter": "worst", "max_features": 1.5}),
        ),
        (
            "random_forest",
            json!({"n_estimators": 10_000_000, "max_samples": 1e6, "max_features": 0, "class_weight": "equal"}),
        ),
        ("extra_trees", json!({"n_estimators": 0, "oob_score": true, "max_samples": 0.5})),
        (
            "gradient_boosting",
            json!({"learning_rate": 0, "max_iter": 0, "max_bins": 256, "max_leaf_nodes": 1,
                                     "min_samples_leaf": 0, "l2_regularization": -1, "max_features": 0, "quantile": 2,
                                     "validation_fraction": 0, "n_iter_no_change": 0, "tol": -1, "loss": "huber"}),
        ),
        (
            "svm",
            json!({"C": 0, "gamma": -1, "tol": 0, "cache_size": 0, "degree": -1, "kernel": "cosine", "max_iter": -2,
                       "epsilon": -1}),
        ),
        ("linear_svm", json!({"C": -1, "intercept_scaling": 0, "max_iter": 0, "loss": "log"})),
        ("k_neighbors", json!({"n_neighbors": 0, "p": 0, "leaf_size": 0, "weights": "far", "metric": "cosine"})),
        ("logistic_regression", json!({"C": 0, "l1_ratio": 2, "tol": -1, "max_iter": 0, "class_weight": {"a": 1}})),
        ("linear_regression", json!({"tol": -1})),
        ("ridge", json!({"alpha": -1})),
        ("lasso", json!({"alpha": -1, "tol": -1, "max_iter": 0, "selection": "any", "random_state": 1})),
        ("elastic_net", json!({"l1_ratio": -0.1})),
        ("gaussian_nb", json!({"var_smoothing": -1, "priors": [0.5, 0.6]})),
        ("dummy", json!({"strategy": "mode", "quantile": 2})),
    ] {
        for (name, value) in fields.as_object().unwrap() {
            let definition = json!({"type": kind, name: value});
            let (status, problem) = post(&tables, "/v1/models", &json!({"name": "x", "definition": definition})).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{kind} {name} {value}");
            let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
            assert!(pointer.starts_with(&format!("/definition/{name}")), "{problem:#}");
            let detail = detail(&problem);
            assert!(detail.contains("expected") && !detail.contains("Some("), "{problem:#}");
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
    assert_eq!(ClassicalModel::NAMES.len(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_tables_are_learned_or_refused_in_words() {
    let tables = Tables::start().await;
    let class = |row: usize| if row.is_multiple_of(2) { "u" } else { "v" }.to_owned();
    let number = |value: f64| format!("{value:.4}");
    let plain = |row: usize| (number(noise(row, 1)), number(noise(row, 2)), class(row), number(noise(row, 3)));
    // A class of one row, which may be among the training rows or not.
    let rare = table(60, |row| {
        let (a, b, class, number) = plain(row);
        (a, b, if row == 0 { "w".to_owned() } else { class }, number)
    });
    let constant = table(60, |row| ("1.5".to_owned(), "2".to_owned(), plain(row).2, plain(row).3));
    let collinear = table(60, |row| {
        let a = noise(row, 1);
        (number(a), number(-3.0 * a), plain(row).2, plain(row).3)
    });
    let separated = table(60, |row| {
        let a = noise(row, 1);
        (number(a), plain(row).1, if a < 0.0 { "u" } else { "v" }.to_owned(), number(a))
    });
    let mut learned = 0;
    for (name, csv) in [("rare", rare), ("constant", constant), ("collinear", collinear), ("separated", separated)] {
        tables.csv(name, &csv).await;
        let classifiers = CLASSIFIERS.iter().map(|kind| (kind, "class"));
        for (kind, target) in classifiers.chain(REGRESSORS.iter().map(|kind| (kind, "number"))) {
            let job = json!({"dataset": name, "target": target, "features": ["a", "b"], "split": {"validation": 0.2}});
            let (_, job) = attempt(&tables, &format!("{name}-{kind}-{target}"), &json!({"type": kind}), job).await;
            if name == "constant" && *kind == "gaussian_nb" {
                // Every variance is 0, and so is what is added to it.
                assert_eq!(job["status"], "failed", "{job:#}");
                assert!(job["error"]["detail"].as_str().unwrap().contains("var_smoothing"), "{job:#}");
                continue;
            }
            assert_eq!(job["status"], "succeeded", "{name} {kind}: {job:#}");
            let metrics = job["metrics"].as_object().unwrap();
            assert!(metrics.len() >= 2 && metrics.values().all(Value::is_number), "{name} {kind}: {job:#}");
            if name == "separated" && target == "class" && *kind != "dummy" {
                assert!(job["metrics"]["accuracy"].as_f64().unwrap() > 0.9, "{kind}: {job:#}");
            }
            learned += 1;
        }
    }
    assert_eq!(learned, 4 * 22 - 1);
    tables.csv("one", &table(60, |row| (plain(row).0, plain(row).1, "u".to_owned(), plain(row).3))).await;
    let missing = table(60, |row| {
        let (a, b, class, number) = plain(row);
        if row == 7 { (a, b, String::new(), String::new()) } else { (a, b, class, number) }
    });
    tables.csv("missing", &missing).await;
    let mut refused = 0;
    for (kind, target) in
        CLASSIFIERS.iter().map(|kind| (kind, "class")).chain(REGRESSORS.iter().map(|kind| (kind, "number")))
    {
        let definition = json!({"type": kind});
        let job = json!({"dataset": "missing", "target": target, "features": ["a", "b"]});
        let (status, problem) = attempt(&tables, &format!("missing-{kind}-{target}"), &definition, job).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        assert!(detail(&problem).contains("1 of its 60 cells"), "{problem:#}");
        if target == "class" {
            let job = json!({"dataset": "one", "target": target, "features": ["a", "b"]});
            let (status, problem) = attempt(&tables, &format!("one-{kind}"), &definition, job).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
            assert!(detail(&problem).contains("at least 2 classes"), "{problem:#}");
        }
        refused += 1;
    }
    assert_eq!(refused, 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_not_fit_is_refused_with_the_number_before_it_runs() {
    let tables = Tables::start().await;
    let rows = 50_000;
    let csv = table(rows, |row| {
        (format!("{:.4}", noise(row, 1)), format!("L{row}"), ["u", "v"][row % 2].to_owned(), row.to_string())
    });
    tables.csv("large", &csv).await;
    let refused = [
        (json!({"type": "random_forest", "n_estimators": 1_000_000}), "class"),
        (json!({"type": "extra_trees", "n_estimators": 1_000_000}), "number"),
        // The cache of a kernel matrix of 50,000 by 50,000.
        (json!({"type": "svm", "cache_size": 1e6}), "class"),
    ];
    for (index, (definition, target)) in refused.into_iter().enumerate() {
        let job = json!({"dataset": "large", "target": target, "features": ["a"]});
        let (status, problem) = attempt(&tables, &format!("refused-{index}"), &definition, job).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        assert_eq!(problem["errors"][0]["pointer"], "/model", "{problem:#}");
        let detail = detail(&problem);
        assert!(detail.contains("bytes of memory") && detail.contains("50000 rows"), "{detail}");
    }
    // A tree without a limit of its depth fits, and its memory is known before.
    let job = json!({"dataset": "large", "target": "number", "features": ["a"]});
    let job = train(&tables, "deep", &json!({"type": "decision_tree"}), job).await;
    assert!(job["summary"]["memory"]["peak_bytes"].as_u64().unwrap() < 100 << 20, "{job:#}");
    let dry = json!({"model": "x", "dataset": "large", "target": "class", "features": ["b"], "definition": "gradient_boosting"});
    let (status, problem) = post(&tables, "/v1/jobs?dry_run=true", &dry).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
    assert!(detail(&problem).contains("few levels"), "{problem:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_numbers_are_classes_where_the_task_says_so() {
    let tables = Tables::start().await;
    let csv: String = (0..120).map(|row| format!("{:.4},{}\n", noise(row, 1), row % 30)).collect();
    tables.csv("counts", &format!("a,count\n{csv}")).await;
    for kind in ["gaussian_nb", "logistic_regression"] {
        let mut job = json!({"dataset": "counts", "target": "count"});
        let (status, problem) = attempt(&tables, kind, &json!(kind), job.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        assert!(detail(&problem).contains(r#""task": "classification""#), "{problem:#}");
        job["task"] = json!("classification");
        let (_, job) = attempt(&tables, &format!("{kind}-classes"), &json!(kind), job).await;
        assert_eq!(
            (&job["status"], &job["task"]),
            (&json!("succeeded"), &json!("multiclass_classification")),
            "{job:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_have_no_weights_and_no_more_than_the_rows() {
    let tables = Tables::start().await;
    tables
        .csv("few", &table(8, |row| (row.to_string(), "1".to_owned(), ["u", "v"][row % 2].to_owned(), "2".to_owned())))
        .await;
    let job = json!({"dataset": "few", "target": "class", "features": ["a"]});
    let many = json!({"type": "k_neighbors", "n_neighbors": 9});
    let (status, problem) = attempt(&tables, "many", &many, job.clone()).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/model")));
    assert!(detail(&problem).contains("n_neighbors: expected at most the 8 training rows"), "{problem:#}");
    let (_, all) = attempt(&tables, "all", &json!({"type": "k_neighbors", "n_neighbors": 8}), job).await;
    assert_eq!(all["status"], "succeeded", "{all:#}");
    for (name, value) in [("class_weight", json!("balanced")), ("sample_weight", json!("number"))] {
        let mut job = json!({"dataset": "few", "target": "class", "features": ["a"]});
        job[name] = value;
        let (status, problem) = attempt(&tables, &format!("weights-{name}"), &json!("k_neighbors"), job).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{name}"), "{problem:#}");
        assert!(detail(&problem).contains("no weights"), "{problem:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_against_one_scores_are_named_by_pairs() {
    let tables = Tables::start().await;
    let csv = table(90, |row| {
        let class = row % 3;
        let cell = |salt| format!("{:.4}", class as f64 + 0.4 * noise(row, salt));
        (cell(1), cell(2), ["A", "B", "C"][class].to_owned(), "0".to_owned())
    });
    tables.csv("three", &csv).await;
    let definition = json!({"type": "svm", "decision_function_shape": "ovo"});
    let job = json!({"dataset": "three", "target": "class", "features": ["a", "b"]});
    train(&tables, "ovo", &definition, job).await;
    for (cells, label) in [([0.0, 0.0], "A"), ([1.0, 1.0], "B"), ([2.0, 2.0], "C")] {
        let answer = tables.predict("ovo", json!([cells])).await;
        assert_eq!(answer[0]["label"], label, "{answer:#}");
        let scores = answer[0]["scores"].as_object().unwrap();
        assert_eq!(scores.keys().collect::<Vec<_>>(), ["A/B", "A/C", "B/C"], "{answer:#}");
        for (pair, score) in scores {
            let (first, second) = pair.split_once('/').unwrap();
            if label == first || label == second {
                assert_eq!(score.as_f64().unwrap() > 0.0, label == first, "{answer:#}");
            }
        }
    }
}

#[tokio::test]
async fn classes_of_other_libraries_are_told_their_names_here() {
    let tables = Tables::start().await;
    for (definition, pointer, name) in [
        (json!("RandomForestClassifier"), "", "`random_forest`"),
        (json!({"type": "SVC", "C": 2.0}), "/type", "`svm`"),
        (
            json!({"type": "XGBClassifier", "max_depth": 3}),
            "/type",
            "`gradient_boosting`, which is closest here to XGBoost's",
        ),
        (json!("LGBMRegressor"), "", "`gradient_boosting`, which is closest here to LightGBM's"),
        (json!({"type": "catboost"}), "/type", "`gradient_boosting`"),
        (json!("knn"), "", "`k_neighbors`"),
    ] {
        let (status, problem) = post(&tables, "/v1/models", &json!({"name": "m", "definition": definition})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        assert_eq!(problem["errors"][0]["pointer"], format!("/definition{pointer}"), "{problem:#}");
        assert!(detail(&problem).contains(name), "{problem:#}");
    }
}
