//! Predictions over HTTP: what they answer, and what they say of wrong instances.

use crate::support::Client;
use crate::support::{Server, client::problem};
use reqwest::Response;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");

/// A service with one trained version of `flowers`.
struct Trained {
    server: Server,
    client: Client,
}

impl Trained {
    async fn new() -> Self {
        let trained = Self { server: Server::start().await, client: Client::new() };
        let url = trained.server.url();
        let upload = trained.client.post(format!("{url}/v1/datasets?name=iris")).header("content-type", "text/csv");
        assert_eq!(upload.body(IRIS).send().await.unwrap().status(), 201);
        let layers = json!([{"type": "dense", "units": 8, "activation": "relu"},
                            {"type": "dense", "units": 3, "activation": "softmax"}]);
        let model = json!({"name": "flowers", "definition": {"layers": layers}});
        let model = trained.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap();
        assert_eq!(model.status(), 201);
        trained.train(1).await;
        trained
    }

    async fn train(&self, seed: u64) {
        let optimizer = json!({"type": "adam", "learning_rate": 0.02});
        let training = json!({"epochs": 40, "batch_size": 16, "seed": seed, "optimizer": optimizer});
        let job = json!({"model": "flowers", "dataset": "iris", "target": "species", "training": training});
        let job = self.client.post(format!("{}/v1/jobs", self.server.url())).json(&job).send().await.unwrap();
        let job: Value = job.json().await.unwrap();
        let ended = self.server.wait_for_end(job["id"].as_str().unwrap()).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.server.url())).json(body).send().await.unwrap()
    }

    async fn predict(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test]
async fn records_and_lists_get_the_same_answer_in_order() {
    let trained = Trained::new().await;
    let setosa = json!({"petal_width": 0.2, "sepal_length": 5.1, "petal_length": 1.4, "sepal_width": 3.5});
    let instances = json!({"instances": [setosa, [6.7, 3.0, 5.2, 2.3], [5.1, 3.5, 1.4, 0.2]]});
    let answer = trained.predict("/v1/models/flowers:predict", &instances).await;
    assert_eq!([&answer["model"], &answer["version"]], [&json!("flowers"), &json!(1)]);
    let labels: Vec<&Value> = (0..3).map(|index| &answer["predictions"][index]["label"]).collect();
    assert_eq!(labels, ["setosa", "virginica", "setosa"]);
    assert_eq!(answer["predictions"][0], answer["predictions"][2]);

    let raw = trained.predict("/v1/models/flowers:predict?format=raw", &instances).await;
    let probabilities: Vec<&Value> = ["setosa", "versicolor", "virginica"]
        .iter()
        .map(|label| &answer["predictions"][1]["probabilities"][*label])
        .collect();
    assert_eq!(raw["predictions"][1], json!(probabilities));
}

#[tokio::test]
async fn many_instances_get_the_answers_that_each_gets_alone() {
    let trained = Trained::new().await;
    let instances: Vec<Value> = (0..30_000).map(|row| json!([f64::from(row % 80) / 10.0, 3.0, 4.0, 1.0])).collect();
    let all = trained.predict("/v1/models/flowers:predict?format=raw", &json!({"instances": instances})).await;
    assert_eq!(all["predictions"].as_array().unwrap().len(), 30_000);
    for row in [0, 79, 29_999] {
        let body = json!({"instances": [instances[row]]});
        let alone = trained.predict("/v1/models/flowers:predict?format=raw", &body).await;
        assert_eq!(alone["predictions"][0], all["predictions"][row], "row {row}");
    }
}

#[tokio::test]
async fn the_latest_version_answers_as_soon_as_there_is_one() {
    let mut trained = Trained::new().await;
    let body = json!({"instances": [[5.1, 3.5, 1.4, 0.2]]});
    let first = trained.predict("/v1/models/flowers:predict", &body).await;
    trained.train(2).await;
    let second = trained.predict("/v1/models/flowers:predict", &body).await;
    assert_eq!([&first["version"], &second["version"]], [1, 2]);
    assert_ne!(first["predictions"], second["predictions"]);
    assert_eq!(trained.predict("/v1/models/flowers/versions/1:predict", &body).await, first);
    problem(trained.post("/v1/models/flowers/versions/3:predict", &body).await, 404).await;

    trained.server.restart().await;
    assert_eq!(trained.predict("/v1/models/flowers:predict", &body).await, second);

    let gone = trained.client.delete(format!("{}/v1/models/flowers", trained.server.url())).send().await.unwrap();
    assert!(gone.status().is_success(), "{gone:?}");
    problem(trained.post("/v1/models/flowers:predict", &body).await, 404).await;
    problem(trained.post("/v1/models/flowers/versions/1:predict", &body).await, 404).await;
}

#[tokio::test]
async fn wrong_instances_are_named() {
    let trained = Trained::new().await;
    let whole = json!({"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2});
    let with = |name: &str, value: Value| {
        let mut record = whole.clone();
        record[name] = value;
        json!({"instances": [whole, record]})
    };
    for (body, pointer, word) in [
        (with("sepal_width", json!("wide")), "/instances/1/sepal_width", "wide"),
        (with("sepal_widht", json!(1)), "/instances/1/sepal_widht", "sepal_width"),
        (with("sepal_width", json!(1e308)), "/instances/1/sepal_width", "1e+308"),
        (json!({"instances": [[1, 2, 3]]}), "/instances/0", "received 3"),
        (json!({"instances": [[1, 2, 3, []]]}), "/instances/0/3", "a list"),
        (json!({"instances": [7]}), "/instances/0", "7"),
        (json!({"instances": []}), "/instances", "received 0"),
        (json!({"instances": {}}), "/instances", "an object"),
        (json!({}), "/instances", "nothing"),
        (json!({"instance": [[1, 2, 3, 4]]}), "/instance", "did you mean `instances`?"),
        (json!([[1, 2, 3, 4]]), "", "an array"),
        (json!({"instances": vec![[0; 4]; 100_001]}), "/instances", "received 100001"),
    ] {
        let problem = problem(trained.post("/v1/models/flowers:predict", &body).await, 422).await;
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], pointer, "{problem:#}");
        assert!(error["detail"].as_str().unwrap().contains(word), "{word:?}: {problem:#}");
    }
    problem(trained.post("/v1/models/nobody:predict", &json!({"instances": [[1]]})).await, 404).await;
    problem(trained.post("/v1/models/flowers:explain", &json!({"instances": [[1]]})).await, 404).await;
    problem(trained.post("/v1/models/flowers", &json!({"instances": [[1]]})).await, 405).await;
    problem(trained.post("/v1/models/flowers:predict?format=row", &json!({"instances": [[1]]})).await, 400).await;
    assert_eq!(trained.predict("/v1/models/flowers:predict", &json!({"instances": [whole]})).await["version"], 1);

    // A key that is left out is a missing value, as in a file, and named.
    let mut part = whole.clone();
    part.as_object_mut().unwrap().remove("sepal_width");
    let explicit = with("sepal_width", Value::Null)["instances"][1].clone();
    let answer = trained.predict("/v1/models/flowers:predict", &json!({"instances": [part, explicit]})).await;
    assert_eq!(answer["predictions"][0], answer["predictions"][1]);
    let warnings = answer["warnings"].as_array().unwrap();
    let found: Vec<_> = warnings.iter().map(|warning| (&warning["pointer"], &warning["code"])).collect();
    assert_eq!(found, [(&json!("/instances/0/sepal_width"), &json!("missing_column"))]);
}

#[tokio::test]
async fn a_record_that_still_has_the_target_is_predicted_with_a_warning() {
    let trained = Trained::new().await;
    let mut setosa = json!({"petal_width": 0.2, "sepal_length": 5.1, "petal_length": 1.4, "sepal_width": 3.5});
    let plain = trained.predict("/v1/models/flowers:predict", &json!({"instances": [setosa]})).await;
    assert_eq!(plain["warnings"], json!([]));
    setosa["species"] = json!("virginica");
    let answer = trained.predict("/v1/models/flowers:predict", &json!({"instances": [setosa]})).await;
    assert_eq!(answer["predictions"], plain["predictions"], "the target has no effect");
    let warning = &answer["warnings"][0];
    assert_eq!([&warning["code"], &warning["pointer"]], [&json!("target_in_record"), &json!("/instances/0/species")]);
    assert!(warning["detail"].as_str().unwrap().contains("it is ignored"), "{warning}");
}
