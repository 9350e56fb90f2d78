//! What a model learns from a table, and what it answers, follow from what the file and the layers say.

use crate::support::{
    client,
    tables::{Tables, column},
};
use serde_json::{Value, json};

fn dense(units: usize, activation: &str) -> Value {
    json!([{"type": "dense", "units": units, "activation": activation}])
}

fn probability(prediction: &Value, label: &str) -> f64 {
    prediction["probabilities"][label].as_f64().unwrap()
}

#[tokio::test]
async fn blanks_mean_nothing_at_upload_and_at_prediction() {
    let tables = Tables::start().await;
    let rows = "30, Private, low\n30, Self, high\n".repeat(40);
    tables.csv("t", &format!("age, work, income\n{rows}")).await;
    tables.train("t", "income", dense(2, "softmax")).await;
    let answers = tables.predict("t", json!([[30, "Self"], [30, " Self"], [30, "Self\t"]])).await;
    assert!(probability(&answers[0], "high") > 0.9, "{answers:#}");
    assert_eq!((&answers[0], &answers[0]), (&answers[1], &answers[2]));
    let (_, answer) = tables.ask_predictions("t", json!([[30, "Nobody"], {"age": 30}])).await;
    let warnings: Vec<_> =
        answer["warnings"].as_array().unwrap().iter().map(|it| (&it["pointer"], &it["code"])).collect();
    let expected =
        [(&json!("/instances/0/1"), &json!("unseen_level")), (&json!("/instances/1/work"), &json!("missing_column"))];
    assert_eq!(warnings, expected, "{answer:#}");
}

#[tokio::test]
async fn outputs_without_a_probability_are_logits_or_refused() {
    let tables = Tables::start().await;
    let iris = include_str!("../../examples/data/iris.csv");
    tables.csv("iris", iris).await;
    let job = tables.train("iris", "species", dense(3, "linear")).await;
    assert_eq!(job["training"]["loss"]["from_logits"], true, "{job:#}");
    let answer = tables.predict("iris", json!([[5.1, 3.5, 1.4, 0.2]])).await;
    assert!(probability(&answer[0], "setosa") > 0.99, "{answer:#}");
    let sum: f64 = ["setosa", "versicolor", "virginica"].iter().map(|label| probability(&answer[0], label)).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{answer:#}");

    let rows: String = (0..40).map(|row| format!("{row},{}\n", if row < 20 { "no" } else { "yes" })).collect();
    for (name, activation) in [("linear", "linear"), ("tanh", "tanh"), ("sigmoid", "sigmoid")] {
        tables.csv(name, &format!("x,y\n{rows}")).await;
        let job = tables.train(name, "y", dense(1, activation)).await;
        let codes: Vec<_> = job["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
        assert_eq!(codes.contains(&&json!("bounded_logits")), activation == "tanh", "{job:#}");
        let answers = tables.predict(name, json!([[1], [38]])).await;
        assert_eq!((&answers[0]["label"], &answers[1]["label"]), (&json!("no"), &json!("yes")), "{name} {answers:#}");
        assert!((0.0..=1.0).contains(&probability(&answers[1], "yes")), "{name} {answers:#}");
    }
    for (name, activation, hint) in [("one", "softmax", "sigmoid"), ("half", "relu", "sigmoid")] {
        tables.csv(name, &format!("x,y\n{rows}")).await;
        let detail = tables.refused_job(name, "y", dense(1, activation)).await;
        assert!(detail.contains(hint), "{activation}: {detail}");
    }
}

#[tokio::test]
async fn columns_that_do_not_vary_contribute_nothing() {
    let tables = Tables::start().await;
    let rows: String = (0..60).map(|row| format!("{row},0,{}\n", if row < 30 { "lo" } else { "hi" })).collect();
    tables.csv("t", &format!("x,fee,y\n{rows}")).await;
    let job = tables.train("t", "y", dense(2, "softmax")).await;
    let warning = job["warnings"].as_array().unwrap().iter().find(|it| it["code"] == "constant_columns").unwrap();
    assert_eq!(warning["columns"], json!(["fee"]));
    let (_, answer) = tables.ask_predictions("t", json!([[55, 0], [55, 250]])).await;
    assert_eq!(answer["predictions"][0], answer["predictions"][1]);
    assert!(probability(&answer["predictions"][0], "hi") > 0.99, "{answer:#}");
    assert_eq!(answer["warnings"][0]["code"], "constant_in_training", "{answer:#}");
}

#[tokio::test]
async fn two_integers_under_a_sigmoid_and_integers_under_a_softmax_are_classes() {
    let tables = Tables::start().await;
    for (name, low, high) in [("bits", 0, 1), ("ranks", 1, 2), ("signs", -1, 1)] {
        let rows: String = (0..40).map(|row| format!("{row},{}\n", if row < 20 { low } else { high })).collect();
        tables.csv(name, &format!("x,y\n{rows}")).await;
        let job = tables.train(name, "y", dense(1, "sigmoid")).await;
        assert_eq!(job["task"], "binary_classification", "{job:#}");
        let answers = tables.predict(name, json!([[1], [38]])).await;
        assert_eq!((&answers[0]["label"], &answers[1]["label"]), (&json!(low), &json!(high)), "{answers:#}");
    }
    let ratings: String = (0..40).map(|row| format!("{row},{}\n", row % 5 + 1)).collect();
    tables.csv("ratings", &format!("x,y\n{ratings}")).await;
    let (status, job) = tables.ask("ratings", "y", dense(6, "softmax")).await;
    assert_eq!(
        (status.as_u16(), &job["task"]),
        (202, &json!("multiclass_classification")),
        "indices of 6 units, as in Keras"
    );
    assert_eq!(job["warnings"][0]["code"], "classes_without_rows", "{job:#}");
    for (name, units) in [("three", 3), ("seven", 7)] {
        let tens: String = (0..40).map(|row| format!("{row},{}\n", row % 5 * 10 + 10)).collect();
        tables.csv(name, &format!("x,y\n{tens}")).await;
        let detail = tables.refused_job(name, "y", dense(units, "softmax")).await;
        assert!(detail.contains(&format!("5 classes of \"y\" (10, 20, 30, 40, 50), received {units}")), "{detail}");
    }
    tables.csv("five", &format!("x,y\n{ratings}")).await;
    let job = tables.train("five", "y", dense(5, "softmax")).await;
    assert_eq!(job["task"], "multiclass_classification");
    tables.csv("counts", &format!("x,y\n{ratings}")).await;
    let job = tables.train("counts", "y", dense(1, "linear")).await;
    assert_eq!(job["task"], "regression", "integers under a linear output are amounts");
}

#[tokio::test]
async fn numbers_that_are_no_class_labels_say_why() {
    let tables = Tables::start().await;
    let rows: String = (0..1200).map(|row| format!("{row},{}\n", f64::from(row % 3) + 0.5)).collect();
    tables.csv("t", &format!("x,y\n{rows}")).await;
    for (target, reason) in [
        ("y", "\"y\" has 3 different values, not all of them whole"),
        ("x", "\"x\" has 1200 different values, more than 1000"),
    ] {
        let job = json!({"dataset": "t", "target": target, "task": "classification"});
        let (status, problem) = tables.ask_job(json!({"type": "decision_tree"}), job).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 422 && detail.contains(reason), "{problem:#}");
    }
}

#[tokio::test]
async fn a_regression_that_the_output_cannot_reach_is_refused() {
    let tables = Tables::start().await;
    let rows: String = (0..40).map(|row| format!("{row},{}\n", 100_000 + row * 7919 % 5000)).collect();
    for activation in ["sigmoid", "tanh", "relu6"] {
        tables.csv(activation, &format!("x,price\n{rows}")).await;
        let detail = tables.refused_job(activation, "price", dense(1, activation)).await;
        assert!(detail.contains(activation) && detail.contains("\"price\" has 100000 to"), "{detail}");
    }
    tables.csv("relu", &format!("x,price\n{rows}")).await;
    tables.train("relu", "price", dense(1, "relu")).await;
    let shares: String = (0..40).map(|row| format!("{row},{}\n", f64::from(row) / 39.0)).collect();
    tables.csv("shares", &format!("x,share\n{shares}")).await;
    let job = tables.train("shares", "share", dense(1, "sigmoid")).await;
    assert_eq!(job["task"], "regression");
}

/// Keras trains there, and so does a model of Keras here.
#[tokio::test]
async fn a_regression_that_a_keras_model_cannot_reach_is_warned_of() {
    let tables = Tables::start().await;
    tables.csv("t", &format!("x,y\n{}", "1,-2.5\n2,0.5\n".repeat(4))).await;
    let layer = json!({"class_name": "Dense", "config": {"name": "out", "units": 1, "activation": "relu"}});
    let config = json!({"name": "m", "layers": [layer], "build_input_shape": [null, 1]});
    let keras = json!({"class_name": "Sequential", "config": config, "keras_version": "3.15.1"});
    let (status, job) = tables.ask_definition("t", "y", keras).await;
    assert_eq!(status, 202, "{job:#}");
    let codes: Vec<_> = job["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
    assert!(codes.contains(&&json!("target_out_of_range")), "{job:#}");
}

#[tokio::test]
async fn a_nested_instance_has_the_shape_of_the_input() {
    let tables = Tables::start().await;
    let rows = "9,0,9,0,9,1,red\n0,9,1,9,0,9,green\n".repeat(20);
    tables.csv("t", &format!("p1,p2,p3,p4,p5,p6,y\n{rows}")).await;
    let definition = json!({"input_shape": [1, 3, 2], "layers": [
        {"type": "conv2d", "filters": 2, "kernel_size": 1},
        {"type": "global_average_pooling2d"},
        {"type": "dense", "units": 2, "activation": "softmax"},
    ]});
    let (status, job) = tables.ask_definition("t", "y", definition).await;
    assert!(status.is_success(), "{job:#}");
    client::wait_for_end(tables.server.url(), job["id"].as_str().unwrap()).await;
    let answers = tables.predict("t", json!([[[[9, 0], [9, 0], [9, 1]]], [9, 0, 9, 0, 9, 1]])).await;
    assert_eq!((&answers[0]["label"], &answers[0]), (&json!("red"), &answers[1]));
    for (instance, received) in [
        (json!([[[9, 9, 9]], [[0, 0, 1]]]), "[2, 1, 3]"),
        (json!([[[9]], [[0, 9, 0, 9]], [[1]]]), "lists of different lengths"),
        (json!([[9, 0, 9, 0, 9, 1]]), "[1, 6]"),
        (json!([[[[9, 0], [9, 0], [9, 1]]]]), "[1, 1, 3, 2]"),
    ] {
        let (status, problem) = tables.ask_predictions("t", json!([instance])).await;
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(status == 422 && detail.contains("expected the shape [1, 3, 2]"), "{problem:#}");
        assert!(detail.contains(received), "{detail}");
    }
}

#[tokio::test]
async fn levels_that_are_numbers_are_the_same_at_upload_and_at_prediction() {
    let tables = Tables::start().await;
    let records: Vec<Value> = [json!(1.0), json!("G"), json!(1e5), json!(12_345_678_901_234_567_890_u64)]
        .into_iter()
        .zip(["a", "b", "c", "d"])
        .map(|(f, y)| json!({"f": f, "y": y}))
        .collect();
    let all: Vec<Value> = (0..10).flat_map(|_| records.clone()).collect();
    let (status, dataset) = tables.send("t", "", "application/json", json!(all).to_string()).await;
    assert_eq!((status, &column(&dataset, "f")["distinct"]), (201, &json!(4)), "{dataset:#}");
    tables.train("t", "y", dense(4, "softmax")).await;
    let asked =
        json!([{"f": 1.0}, {"f": 1}, {"f": "G"}, {"f": 1e5}, {"f": 100_000}, {"f": 12_345_678_901_234_567_890_u64}]);
    let (status, answer) = tables.ask_predictions("t", asked).await;
    assert_eq!((status.as_u16(), &answer["warnings"]), (200, &json!([])), "{answer:#}");
    let labels: Vec<&str> =
        answer["predictions"].as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["a", "a", "b", "c", "c", "d"]);
    let (status, answer) = tables.ask_predictions("t", json!([{"f": 3}])).await;
    assert_eq!((status.as_u16(), &answer["warnings"][0]["code"]), (200, &json!("unseen_level")), "{answer:#}");
}

#[tokio::test]
async fn numbers_keep_their_digits_until_they_are_scaled() {
    let tables = Tables::start().await;
    // scikit-learn 1.9: StandardScaler keeps f64, so that a line through 240 consecutive seconds is exact
    let rows: String = (0..240).map(|row| format!("{},{}\n", 1_700_000_000 + row, f64::from(row) / 240.0)).collect();
    tables.csv("seconds", &format!("ts,load\n{rows}")).await;
    tables.train("seconds", "load", dense(1, "linear")).await;
    let answers = tables.predict("seconds", json!([[1_700_000_000], [1_700_000_030], [1_700_000_063]])).await;
    for (answer, expected) in answers.as_array().unwrap().iter().zip([0.0, 0.125, 0.2625]) {
        let value = answer["value"].as_f64().unwrap();
        assert!((value - expected).abs() < 0.01, "expected {expected}, received {value}");
    }
    let rows: String = (1..=40).map(|row| format!("{row}e-50,{}\n", if row <= 20 { "a" } else { "b" })).collect();
    tables.csv("tiny", &format!("p,y\n{rows}")).await;
    tables.train("tiny", "y", dense(2, "softmax")).await;
    let answers = tables.predict("tiny", json!([[5e-50], [35e-50]])).await;
    assert_eq!((&answers[0]["label"], &answers[1]["label"]), (&json!("a"), &json!("b")), "{answers:#}");
}

#[tokio::test]
async fn a_boolean_feature_takes_the_words_of_its_file() {
    let tables = Tables::start().await;
    let rows: String = (0..40).map(|row| if row % 2 == 0 { "True,a\n" } else { "FALSE,b\n" }).collect();
    tables.csv("words", &format!("ok,y\n{rows}")).await;
    tables.train("words", "y", dense(2, "softmax")).await;
    let digits: String = (0..40).map(|row| if row % 2 == 0 { "1,a\n" } else { "0,b\n" }).collect();
    let types = "&types=%7B%22ok%22%3A%22boolean%22%7D";
    let (status, dataset) = tables.send("digits", types, "text/csv", format!("ok,y\n{digits}")).await;
    assert_eq!(status, 201, "{dataset:#}");
    tables.train("digits", "y", dense(2, "softmax")).await;

    let right = |name: &'static str, value: Value, label: &'static str| (name, value, Some(label));
    let mut refused = 0;
    for (name, value, label) in [
        right("words", json!(true), "a"),
        right("words", json!("True"), "a"),
        right("words", json!(" true"), "a"),
        right("words", json!("False"), "b"),
        right("digits", json!("true"), "a"),
        right("digits", json!(1), "a"),
        right("digits", json!(0.0), "b"),
        right("digits", json!("0"), "b"),
        right("digits", json!("yes"), "a"),
        right("digits", json!(" No "), "b"),
        ("words", json!(1), None),
        ("words", json!("1"), None),
        ("words", json!("yes"), None),
        ("digits", json!(2), None),
        ("digits", json!("maybe"), None),
    ] {
        let (status, answer) = tables.ask_predictions(name, json!([[value]])).await;
        match label {
            Some(label) => {
                assert_eq!(status, 200, "{name}, {value}: {answer:#}");
                assert_eq!(answer["predictions"][0]["label"], label, "{name}, {value}: {answer:#}");
                assert_eq!(answer["warnings"], json!([]), "{name}, {value}: {answer:#}");
            }
            None => assert_eq!(status, 422, "{name}, {value}: {answer:#}"),
        }
        refused += usize::from(label.is_none());
    }
    assert_eq!(refused, 5);
    // a missing cell of the file
    let answers = tables.predict("words", json!([[null], ["NA"], [""]])).await;
    assert_eq!((&answers[0], &answers[0]), (&answers[1], &answers[2]), "{answers:#}");
}

#[tokio::test]
async fn what_an_upload_spells_as_missing_is_missing_in_a_prediction() {
    let tables = Tables::start().await;
    // y follows p, and is 1000 where p is missing.
    let row = |row: usize| if row.is_multiple_of(4) { "-999,?,1000\n".to_owned() } else { format!("{row},a,{row}\n") };
    let csv = format!("p,w,y\n{}", (0..80).map(row).collect::<String>());
    let (status, dataset) = tables.send("t", "&missing=-999,%3F", "text/csv", csv).await;
    assert_eq!(status, 201, "{dataset:#}");
    let url = tables.server.url();
    let post = async |path: &str, body: Value| -> Value {
        let answer = tables.client.post(format!("{url}{path}")).json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    };
    post("/v1/models", json!({"name": "t", "definition": {"type": "decision_tree"}})).await;
    let job = post("/v1/jobs", json!({"model": "t", "dataset": "t", "target": "y", "baselines": false})).await;
    let job = client::wait_for_end(url, job["id"].as_str().unwrap_or_else(|| panic!("{job:#}"))).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    for instance in [json!([null, null]), json!([-999, "?"]), json!([-999.0, " ? "]), json!({"p": -999, "w": "?"})] {
        assert_eq!(tables.predict("t", json!([instance])).await, json!([{"value": 1000.0}]), "{instance}");
    }
    assert_eq!(tables.predict("t", json!([[13, "a"]])).await, json!([{"value": 13.0}]));
}

#[tokio::test]
async fn the_column_of_a_split_is_no_feature_unless_it_is_named() {
    let tables = Tables::start().await;
    let part = |row: usize| ["train", "train", "validation"][row % 3];
    let csv =
        format!("x,part,y\n{}", (0..60).map(|row| format!("{row},{},{}\n", part(row), row * 2)).collect::<String>());
    tables.csv("t", &csv).await;
    let url = tables.server.url();
    for definition in [json!({"layers": [{"type": "dense", "units": 1}]}), json!({"type": "decision_tree"})] {
        let ask = async |features: Value| -> Value {
            let mut job = json!({"model": "m", "definition": definition, "dataset": "t", "target": "y",
                                 "split": {"method": "column", "column": "part"}});
            if !features.is_null() {
                job["features"] = features;
            }
            let request = tables.client.post(format!("{url}/v1/jobs?dry_run=true")).json(&job);
            request.send().await.unwrap().json().await.unwrap()
        };
        assert_eq!(ask(Value::Null).await["features"], json!(["x"]));
        assert_eq!(ask(json!(["x", "part"])).await["features"], json!(["x", "part"]));
    }
}
