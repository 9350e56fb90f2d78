//! Columns, losses, metrics and weights are joined to inputs and outputs by name: every model of `tests/fixtures/keras/jobs.py`
//! reports and predicts what Keras does.

use crate::support::{Client, Server, client};
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const FIXTURE: &str = include_str!("../fixtures/keras/jobs.json");

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize, Clone)]
struct Case {
    name: String,
    definition: Value,
    rows: Vec<Map<String, Value>>,
    job: Map<String, Value>,
    history: BTreeMap<String, Vec<f64>>,
    predictions: BTreeMap<String, Vec<f64>>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Fixture>(FIXTURE).unwrap().cases
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

/// A server that has the model and the rows of a case.
struct Prepared {
    server: Server,
    client: Client,
}

impl Prepared {
    async fn new(case: &Case) -> Self {
        let server = Server::start().await;
        let client = Client::new();
        let url = server.url();
        let answer = client.post(format!("{url}/v1/datasets?name=rows")).json(&case.rows).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}: {}", case.name, answer.text().await.unwrap());
        let model = json!({"name": "model", "definition": case.definition});
        let answer = client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}: {}", case.name, answer.text().await.unwrap());
        Self { server, client }
    }

    async fn submit(&self, job: &Map<String, Value>) -> reqwest::Response {
        let mut body = json!({"model": "model", "dataset": "rows"});
        body.as_object_mut().unwrap().extend(job.clone());
        self.client.post(format!("{}/v1/jobs", self.server.url())).json(&body).send().await.unwrap()
    }

    /// The job once it has ended well.
    async fn train(&self, job: &Map<String, Value>) -> Value {
        let answer = self.submit(job).await;
        let (status, submitted) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!(status, 202, "{submitted:#}");
        let ended = client::wait_for_end(self.server.url(), submitted["id"].as_str().unwrap()).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        ended
    }

    async fn predict(&self, instances: &Value, form: &str) -> Value {
        let url = format!("{}/v1/models/model:predict{form}", self.server.url());
        let answer = self.client.post(url).json(&json!({"instances": instances})).send().await.unwrap();
        let (status, answer) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!(status, 200, "{answer:#}");
        answer["predictions"].clone()
    }
}

/// The rows without the columns that are no features.
fn records(case: &Case, job: &Value) -> Value {
    let features: Vec<&str> = job["features"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let record = |row: &Map<String, Value>| {
        features.iter().map(|name| ((*name).to_owned(), row[*name].clone())).collect::<Map<_, _>>()
    };
    case.rows.iter().map(record).map(Value::Object).collect()
}

fn near(ours: f64, keras: f64) -> bool {
    (ours - keras).abs() <= 2e-6 * (1.0 + keras.abs())
}

#[tokio::test]
async fn jobs_report_and_predict_what_keras_does() {
    let mut checked = 0;
    for case in cases() {
        let prepared = Prepared::new(&case).await;
        let ended = prepared.train(&case.job).await;
        for (name, values) in &case.history {
            let ours = ended["metrics"][name].as_f64().unwrap_or_else(|| panic!("{}: no {name}: {ended:#}", case.name));
            let keras = *values.last().unwrap();
            assert!(near(ours, keras), "{}: {name} is {ours}, Keras has {keras}", case.name);
        }
        let predicted = prepared.predict(&records(&case, &ended), "?format=raw").await;
        for (output, expected) in &case.predictions {
            let of_row = |answer: &Value| match case.predictions.len() {
                1 => answer.clone(),
                _ => answer[output].clone(),
            };
            let rows = predicted.as_array().unwrap().iter().map(of_row);
            let ours: Vec<f64> = rows
                .flat_map(|row| match row {
                    Value::Array(cells) => cells,
                    cell => vec![cell],
                })
                .map(|cell| cell.as_f64().unwrap())
                .collect();
            assert_eq!(ours.len(), expected.len(), "{}: {output}", case.name);
            for (ours, keras) in ours.iter().zip(expected) {
                assert!(near(*ours, *keras), "{}: {output} gives {ours}, Keras {keras}", case.name);
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 17);
}

/// Every order of some things.
fn orders(names: &[&'static str]) -> Vec<Vec<&'static str>> {
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: &&'static str| {
        let others: Vec<&'static str> = names.iter().copied().filter(|name| name != first).collect();
        orders(&others).into_iter().map(move |rest| [vec![*first], rest].concat()).collect::<Vec<_>>()
    };
    names.iter().flat_map(with_first).collect()
}

/// An object with its fields in another order.
fn ordered(fields: &Value, names: &[&str]) -> Value {
    Value::Object(names.iter().map(|name| ((*name).to_owned(), fields[*name].clone())).collect())
}

#[rstest]
#[case("outputs of a list")]
#[case("outputs of a dict")]
#[tokio::test]
async fn any_order_of_outputs_gives_the_same_bits(#[case] name: &str) {
    let case = case(name);
    let prepared = Prepared::new(&case).await;
    let training = json!({
        "loss": {"wage": "mse", "place": "mae", "age": "binary_crossentropy"},
        "loss_weights": {"wage": 0.5, "place": 2.0, "age": 1.5},
        "metrics": {"wage": ["mae"], "place": ["mse"], "age": ["mse", "mae"]}
    });
    let orders = orders(&["wage", "place", "age"]);
    let mut seen: Option<(Value, Value, Value)> = None;
    for (index, order) in orders.iter().enumerate() {
        let mut job = case.job.clone();
        job["target"] = ordered(&job["target"], order);
        for (shift, setting) in ["loss", "loss_weights", "metrics"].into_iter().enumerate() {
            let order = &orders[(index * (shift + 1) + shift) % orders.len()];
            job["training"][setting] = ordered(&training[setting], order);
        }
        let ended = prepared.train(&job).await;
        let predicted = prepared.predict(&records(&case, &ended), "").await;
        let place = &predicted[0]["place"]["value"];
        assert!(place["p"].is_number() && place["q"].is_number(), "{predicted:#}");
        let found = (ended["metrics"].clone(), predicted, ended["target"].clone());
        match &seen {
            None => seen = Some(found),
            Some(seen) => assert_eq!(*seen, found, "{order:?}"),
        }
    }
    assert_eq!(orders.len(), 6);
}

#[tokio::test]
async fn classes_and_numbers_keep_their_names_in_any_order() {
    let rows: Vec<Value> = (0..30)
        .map(|row| {
            let x = f64::from(row) / 30.0;
            json!({"x": x, "kind": (["low", "middle", "high"][(row / 10) as usize]), "twice": 2.0 * x, "half": x / 2.0})
        })
        .collect();
    let definition = json!({
        "inputs": ["x"],
        "layers": [
            {"type": "dense", "units": 8, "activation": "relu", "name": "hidden"},
            {"type": "dense", "units": 2, "name": "numbers", "inputs": ["hidden"]},
            {"type": "dense", "units": 3, "activation": "softmax", "name": "class", "inputs": ["hidden"]}
        ],
        "outputs": ["numbers", "class"]
    });
    let server = Server::start().await;
    let client = Client::new();
    let url = server.url();
    client.post(format!("{url}/v1/datasets?name=rows")).json(&rows).send().await.unwrap();
    let answer = client.post(format!("{url}/v1/models")).json(&json!({"name": "model", "definition": definition}));
    assert_eq!(answer.send().await.unwrap().status(), 201);
    let prepared = Prepared { server, client };
    let settings = json!({"epochs": 60, "seed": 1, "optimizer": {"type": "adam", "learning_rate": 0.05}});
    let targets = [
        json!({"class": "kind", "numbers": ["twice", "half"]}),
        json!({"numbers": ["twice", "half"], "class": "kind"}),
    ];
    let mut seen = Vec::new();
    for target in targets {
        let job = json!({"features": ["x"], "target": target, "training": settings});
        let ended = prepared.train(job.as_object().unwrap()).await;
        assert_eq!(ended["task"], json!({"numbers": "regression", "class": "multiclass_classification"}));
        let predicted = prepared.predict(&json!([{"x": 0.1}, [0.9]]), "").await;
        assert_eq!(predicted[0]["class"]["label"], "low", "{predicted:#}");
        assert_eq!(predicted[1]["class"]["label"], "high", "{predicted:#}");
        let twice = predicted[1]["numbers"]["value"]["twice"].as_f64().unwrap();
        assert!((twice - 1.8).abs() < 0.4, "{predicted:#}");
        seen.push((ended["metrics"].clone(), predicted));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_column_of_two_inputs_is_given_once_or_for_each_input() {
    let case = case("wide and deep");
    let prepared = Prepared::new(&case).await;
    let ended = prepared.train(&case.job).await;
    assert_eq!(ended["features"], json!(["a", "b", "c", "d"]));
    let row = &case.rows[0];
    let value = |name: &str| row[name].clone();
    let list = json!(["a", "b", "c", "d"].map(value).to_vec());
    let (wide, deep) = (["a", "b", "c"].map(value), ["d", "b", "c"].map(value));
    let by_input = json!([wide, deep]);
    let record = json!({"d": row["d"], "c": row["c"], "b": row["b"], "a": row["a"]});
    let predicted = prepared.predict(&json!([list, by_input, record]), "").await;
    assert!(near(predicted[0]["value"].as_f64().unwrap(), case.predictions["out"][0]), "{predicted:#}");
    assert_eq!(predicted[0], predicted[1]);
    assert_eq!(predicted[0], predicted[2]);

    let other = ["d", "b", "c"];
    let job =
        json!({"inputs": {"deep": other, "wide": ["a", "b", "c"]}, "target": "y", "training": case.job["training"]});
    let swapped = prepared.train(job.as_object().unwrap()).await;
    assert_eq!(swapped["metrics"], ended["metrics"]);

    let wrong =
        json!({"instances": [[1, 2, 3], {"a": 1, "b": "x", "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}]});
    let url = format!("{}/v1/models/model:predict", prepared.server.url());
    let answer = prepared.client.post(url).json(&wrong).send().await.unwrap();
    let problem = client::problem(answer, 422).await;
    let pointers: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/instances/0", "/instances/1/b", "/instances/2/e"], "{problem:#}");
}

#[tokio::test]
async fn an_output_without_a_loss_needs_no_target_and_gives_its_values() {
    let case = case("no loss, listed");
    let prepared = Prepared::new(&case).await;
    let ended = prepared.train(&case.job).await;
    assert_eq!(ended["task"], json!({"second": null, "first": "regression"}), "{ended:#}");
    assert_eq!(ended["training"]["loss"], json!({"second": null, "first": "mean_squared_error"}), "{ended:#}");
    assert_eq!(ended["metrics"].get("second_loss"), None, "{ended:#}");
    let predicted = prepared.predict(&records(&case, &ended), "").await;
    assert_eq!(predicted[0]["second"]["value"].as_array().unwrap().len(), 2, "{predicted:#}");
    assert!(near(predicted[0]["second"]["value"][1].as_f64().unwrap(), case.predictions["second"][1]), "{predicted:#}");

    let mut decaying = case.job.clone();
    decaying["training"]["optimizer"] = json!({"type": "sgd", "weight_decay": 0.1});
    let warnings = prepared.train(&decaying).await["warnings"].clone();
    assert_eq!(warnings[0]["code"], "decay_of_untrained_output", "{warnings:#}");

    let mut alone = case.job.clone();
    alone["target"] = json!("y");
    assert_eq!(prepared.train(&alone).await["metrics"], ended["metrics"]);
    let losses = [json!({"first": "mse", "second": null}), json!([null, "mse"])];
    for loss in losses {
        let mut ours = case.job.clone();
        ours["training"]["loss"] = loss;
        assert_eq!(prepared.train(&ours).await["metrics"], ended["metrics"]);
    }
}

#[rstest]
#[case("no loss, listed", json!({"training": {"loss": [null, null]}}), "/training/loss", "at least one output")]
#[case("no loss, listed", json!({"training": {"loss": ["mse", "mse"]}}), "/target", "`second`")]
#[case("no loss, listed", json!({"training": {"loss": ["mse"]}}), "/training/loss", "second, first")]
#[case("no loss, listed", json!({"training": {"metrics": {"second": ["mae"]}}}), "/training/metrics/second", "target")]
#[case("no loss, listed", json!({"target": {"second": ["u", "v"]}}), "/target", "`first`")]
#[case("one loss weight, a number", json!({"training": {"loss": {"out": null}}}), "/training/loss", "at least one output")]
#[case("one loss weight, a number", json!({"training": {"loss_weights": -1}}), "/training/loss_weights", "at least 0")]
#[case("one loss weight, a number", json!({"training": {"loss_weights": [1, 2]}}), "/training/loss_weights", "out")]
#[case("one loss weight, a number", json!({"training": {"loss_weights": {"other": 1}}}), "/training/loss_weights/other", "out")]
#[case("one-hot columns, categorical_crossentropy", json!({"class_weight": {"3": 1}}), "/class_weight/3", "0 to 2")]
#[case("one-hot columns, categorical_crossentropy", json!({"class_weight": {"ye": 1}}), "/class_weight/ye", "\"yes\"")]
#[case("one-hot columns, categorical_crossentropy", json!({"class_weight": {"yes": 1, "2": 3}}), "/class_weight/yes", "for one")]
#[case("wide and deep", json!({"inputs": {"wide": ["a", "b", "a"], "deep": ["d", "b", "c"]}}), "/inputs/wide/2", "once")]
#[case("wide and deep", json!({"inputs": {"deep": ["d", "x", "c"], "wide": ["a", "b", "c"]}}), "/inputs/deep/1", "column")]
#[case("autoencoder, mse", json!({"features": null}), "/features", "name the `features`")]
#[tokio::test]
async fn what_does_not_fit_is_pointed_at(
    #[case] name: &str,
    #[case] change: Value,
    #[case] pointer: &str,
    #[case] text: &str,
) {
    let case = case(name);
    let prepared = Prepared::new(&case).await;
    let mut job = case.job.clone();
    job.extend(change.as_object().unwrap().clone());
    let problem = client::problem(prepared.submit(&job).await, 422).await;
    let errors = problem["errors"].as_array().unwrap();
    let found = errors.iter().find(|error| error["pointer"] == pointer);
    let found = found.unwrap_or_else(|| panic!("no error at {pointer}: {problem:#}"));
    assert!(found["detail"].as_str().unwrap().contains(text), "{problem:#}");
}

#[tokio::test]
async fn a_target_that_the_model_reads_is_warned_of_except_in_an_autoencoder() {
    let case = case("autoencoder, mse");
    let prepared = Prepared::new(&case).await;
    let codes = |job: &Value| {
        let warnings = job["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().any(|warning| warning["code"] == "target_among_features")
    };
    assert!(!codes(&prepared.train(&case.job).await));
    let definition = json!({"input_shape": [4], "layers": [{"type": "dense", "units": 1}]});
    let url = prepared.server.url();
    let model = json!({"name": "reader", "definition": definition});
    assert_eq!(prepared.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let job = json!({"model": "reader", "features": ["a", "b", "c", "d"], "target": "b"});
    assert!(codes(&prepared.train(job.as_object().unwrap()).await));
}

#[tokio::test]
async fn class_weights_of_one_hot_columns_are_named_by_column_too() {
    let case = case("one-hot columns, categorical_crossentropy");
    let prepared = Prepared::new(&case).await;
    let by_place = prepared.train(&case.job).await;
    let mut named = case.job.clone();
    named["class_weight"] = json!({"yes": 0.5, "maybe": 5.0});
    assert_eq!(prepared.train(&named).await["metrics"], by_place["metrics"]);
    named["target"] = json!(["yes", "no", "maybe"]);
    named["class_weight"] = json!({"0": 0.5, "2": 5.0});
    prepared.train(&named).await;

    let mut several = case.job.clone();
    several["training"]["loss"] = json!("binary_crossentropy");
    several["target"] = json!(["a", "b", "yes"]);
    several["features"] = json!(["no", "maybe"]);
    let answer = prepared.submit(&several).await;
    let submitted: Value = answer.json().await.unwrap();
    let ended = client::wait_for_end(prepared.server.url(), submitted["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "failed", "{ended:#}");
    assert!(ended["error"]["detail"].as_str().unwrap().contains("one is 1 and the others are 0"), "{ended:#}");
}
