//! Dates, scaled targets and losses that are probably not as intended: warnings of jobs and predictions.

use crate::support::tables::Tables;
use serde_json::{Value, json};

fn network() -> Value {
    json!({"layers": [{"type": "dense", "units": 1}]})
}

/// The codes of the warnings of a job, in its order.
fn codes(job: &Value) -> Vec<&str> {
    job["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_date_than_the_only_one_of_training_has_no_effect_and_is_named() {
    let tables = Tables::start().await;
    let rows: String = (0..40).map(|row| format!("{row},2024-01-01,{}\n", row * 2)).collect();
    tables.csv("t", &format!("x,day,y\n{rows}")).await;
    let job = tables.ended_job(network(), json!({"dataset": "t", "target": "y"})).await;
    assert_eq!(codes(&job), ["constant_columns"], "{job:#}");
    let asked = json!([[5, "2024-01-01"], [5, "2030-06-01"], [5, null]]);
    let (_, answer) = tables.ask_predictions(job["model"].as_str().unwrap(), asked).await;
    assert_eq!(answer["predictions"][0], answer["predictions"][1]);
    let warnings = answer["warnings"].as_array().unwrap();
    let received: Vec<_> = warnings.iter().map(|warning| (&warning["pointer"], &warning["code"])).collect();
    assert_eq!(received, [(&json!("/instances/1/1"), &json!("constant_in_training"))], "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_without_the_zone_of_the_training_data_is_named() {
    let tables = Tables::start().await;
    for (name, zone) in [("zoned", "+02:00"), ("naive", ""), ("days", "-")] {
        let time = |row: usize| match zone {
            "-" => format!("2024-01-{:02}", row / 24 + 1),
            zone => format!("2024-01-{:02}T{:02}:00:00{zone}", row / 24 + 1, row % 24),
        };
        let rows: String = (0..480).map(|row| format!("{},{}\n", time(row), row % 24 + row / 240)).collect();
        let dataset = tables.csv(name, &format!("t,y\n{rows}")).await;
        let expected = if zone == "-" { Value::Null } else { json!(!zone.is_empty()) };
        assert_eq!(dataset["columns"][0]["has_zone"], expected, "{dataset:#}");
    }
    let [day, naive, utc, shifted] =
        ["2024-01-05", "2024-01-05T10:00:00", "2024-01-05T10:00:00Z", "2024-01-05T12:00:00+02:00"];
    for definition in [network(), json!({"type": "decision_tree"})] {
        for (name, told) in [("zoned", vec![naive]), ("naive", vec![shifted]), ("days", vec![])] {
            let job = tables.ended_job(definition.clone(), json!({"dataset": name, "target": "y"})).await;
            let asked = [day, naive, utc, shifted].map(|time| json!({"t": time}));
            let (_, answer) = tables.ask_predictions(job["model"].as_str().unwrap(), json!(asked)).await;
            let predictions = answer["predictions"].as_array().unwrap();
            assert!(
                predictions[1] == predictions[2] && predictions[2] == predictions[3],
                "the same moment: {answer:#}"
            );
            let warnings = answer["warnings"].as_array().unwrap();
            let details: Vec<&str> = warnings.iter().map(|warning| warning["detail"].as_str().unwrap()).collect();
            assert_eq!(details.len(), told.len(), "{name}: {answer:#}");
            for (warning, text) in warnings.iter().zip(told) {
                assert_eq!(warning["code"], "time_zone");
                assert!(warning["detail"].as_str().unwrap().starts_with(&format!("{text:?}")), "{answer:#}");
            }
            let job = json!({"dataset": name, "target": "y", "validation_dataset": "naive"});
            let (_, job) = tables.ask_job(definition.clone(), job).await;
            let expected = if name == "zoned" { vec!["time_zone"] } else { vec![] };
            let received: Vec<&str> = codes(&job).into_iter().filter(|code| *code == "time_zone").collect();
            assert_eq!(received, expected, "{name}: {job:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaled_target_is_held_against_the_last_activation() {
    let tables = Tables::start().await;
    let rows: String = (0..40).map(|row| format!("{row},{},{}\n", 1000 + row, f64::from(row % 9) / 8.0)).collect();
    tables.csv("t", &format!("x,price,share\n{rows}")).await;
    let of = |activation: &str| json!({"layers": [{"type": "dense", "units": 1, "activation": activation}]});
    let min_max = |low: f64, high: f64| json!({"type": "min_max", "feature_range": [low, high]});
    for (activation, target, scale, refused) in [
        ("sigmoid", "price", json!("min_max"), None),
        ("sigmoid", "price", json!("none"), Some("1000 to 1039")),
        ("sigmoid", "price", json!("log1p"), Some("once it is scaled")),
        ("sigmoid", "price", min_max(-1.0, 1.0), Some("-1 to 1")),
        ("tanh", "price", min_max(-1.0, 1.0), None),
        ("relu", "price", json!("log1p"), None),
        ("relu", "price", json!("standardize"), Some("below and above 0")),
        ("sigmoid", "share", json!("standardize"), Some("below and above 0")),
        ("tanh", "price", json!(["log1p", "min_max"]), None),
        ("linear", "price", json!("robust"), None),
    ] {
        let job = json!({"dataset": "t", "features": ["x"], "target": target, "preprocessing": {"target": {"scale": scale}},
                         "training": {"epochs": 300, "batch_size": "full", "optimizer": {"type": "adam", "learning_rate": 0.05}}});
        let Some(word) = refused else {
            let job = tables.ended_job(of(activation), job).await;
            assert_eq!(job["status"], "succeeded", "{job:#}");
            let error = job["metrics"]["mean_absolute_error"].as_f64().unwrap();
            // a relu may output 0 throughout
            assert!(activation == "relu" || error < 8.0, "{activation} {scale}: {error}");
            continue;
        };
        let (status, problem) = tables.ask_job(of(activation), job).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/target")),
            "{activation} {scale}: {problem:#}"
        );
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(word), "{activation} {scale}: {problem:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_later_step_clips_is_named() {
    let tables = Tables::start().await;
    let rows: String = (0..30).map(|x| format!("{x},{x}\n")).collect();
    tables.csv("t", &format!("x,y\n{rows}")).await;
    for (scale, after) in [
        (json!([{"type": "clip", "min": 0, "max": 20}, "standardize"]), ""),
        (json!(["standardize", {"type": "clip", "min": -2, "max": 2}]), " after the steps before it"),
        (json!(["log1p", {"type": "min_max", "clip": true}]), " after the steps before it"),
        (json!(["standardize", "quantile"]), " after the steps before it"),
    ] {
        let job = json!({"dataset": "t", "target": "y", "preprocessing": {"number": {"scale": scale}}});
        let job = tables.ended_job(network(), job).await;
        let (_, answer) = tables.ask_predictions(job["model"].as_str().unwrap(), json!([[7], [500]])).await;
        let warnings = answer["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{scale}: {answer:#}");
        assert_eq!((&warnings[0]["pointer"], &warnings[0]["code"]), (&json!("/instances/1/0"), &json!("clipped")));
        let detail = warnings[0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("500 is outside") && detail.contains(&format!("{after}, and is taken")), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_of_numbers_over_0_warns_of_others() {
    let tables = Tables::start().await;
    let rows: String = (0..40).map(|row| format!("{row},{},{}\n", row % 7, row - 20)).collect();
    tables.csv("t", &format!("x,count,change\n{rows}")).await;
    for (loss, activation, target, expected) in [
        ("poisson", "softplus", "count", vec![]),
        ("poisson", "exponential", "count", vec![]),
        ("poisson", "linear", "count", vec!["output_out_of_range"]),
        ("poisson", "elu", "count", vec!["output_out_of_range"]),
        ("poisson", "linear", "change", vec!["target_out_of_range", "output_out_of_range"]),
        ("mean_squared_logarithmic_error", "linear", "change", vec!["target_out_of_range"]),
        ("mean_squared_logarithmic_error", "linear", "count", vec![]),
    ] {
        let layers = json!({"layers": [{"type": "dense", "units": 1, "activation": activation}]});
        let job = json!({"dataset": "t", "features": ["x"], "target": target, "training": {"loss": loss}});
        let (status, job) = tables.ask_job(layers, job).await;
        assert_eq!((status, codes(&job)), (202, expected), "{loss} {activation} {target}: {job:#}");
    }
}

/// A class needs a label of its own.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_no_labels_of_a_classical_model_are_refused_with_what_to_do() {
    let tables = Tables::start().await;
    let table = |labels: [&str; 3]| (0..60).map(|row| format!("{row},{}\n", labels[row % 3])).collect::<String>();
    for (name, labels) in
        [("large", ["9007199254740992", "9007199254740993", "9007199254740994"]), ("halves", ["0.5", "1.5", "2.5"])]
    {
        tables.csv(name, &format!("x,y\n{}", table(labels))).await;
        for task in [Value::Null, json!("classification")] {
            let job = json!({"dataset": name, "target": "y", "task": task});
            let (status, problem) = tables.ask_job(json!({"type": "logistic_regression"}), job).await;
            assert_eq!(status, 422, "{name}: {problem:#}");
            let detail = problem["errors"][0]["detail"].as_str().unwrap();
            assert!(detail.ends_with("the type category at upload"), "{detail}");
        }
    }
}
