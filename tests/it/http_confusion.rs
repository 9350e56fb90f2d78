//! Which class a trained model takes for which, as jobs and versions show it.

use crate::support::Client;
use crate::support::Server;
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");

struct Trainer {
    server: Server,
    client: Client,
}

impl Trainer {
    /// A service with the iris and a model of `units` outputs.
    async fn new(units: usize, activation: &str) -> Self {
        let trainer = Self { server: Server::start().await, client: Client::new() };
        let url = trainer.server.url();
        let upload = trainer.client.post(format!("{url}/v1/datasets?name=iris")).header("content-type", "text/csv");
        assert_eq!(upload.body(IRIS).send().await.unwrap().status(), 201);
        let layers = json!([{"type": "dense", "units": units, "activation": activation}]);
        let model = json!({"name": "m", "definition": {"layers": layers}});
        assert_eq!(trainer.post("/v1/models", &model).await["name"], "m");
        trainer
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.client.post(format!("{}{path}", self.server.url())).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// The job as it ended, and the version that it made.
    async fn train(&self, target: &str, training: Value) -> (Value, Value) {
        let job = json!({"model": "m", "dataset": "iris", "target": target, "training": training});
        let job = self.post("/v1/jobs", &job).await;
        let ended = self.server.wait_for_end(job["id"].as_str().unwrap()).await;
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
        let url = format!("{}/v1/models/m/versions/{}", self.server.url(), ended["version"]);
        let version = self.client.get(url).send().await.unwrap().json().await.unwrap();
        (ended, version)
    }
}

fn counts(matrix: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(matrix["counts"].clone()).unwrap()
}

#[tokio::test]
async fn validation_rows_are_counted_where_there_are_some() {
    let trainer = Trainer::new(3, "softmax").await;
    let (job, version) = trainer.train("species", json!({"epochs": 3, "validation_split": 0.2})).await;
    let matrix = &job["confusion_matrix"];
    assert_eq!(matrix, &version["confusion_matrix"]);
    assert_eq!(
        (&matrix["rows"], &matrix["labels"]),
        (&json!("validation"), &json!(["setosa", "versicolor", "virginica"]))
    );
    let counts = counts(matrix);
    assert_eq!(counts.iter().flatten().sum::<u64>(), 30);
    let right: u64 = (0..3).map(|class| counts[class][class]).sum();
    let accuracy = job["metrics"]["val_accuracy"].as_f64().unwrap();
    assert!((right as f64 / 30.0 - accuracy).abs() < 1e-6, "{matrix:#}, accuracy {accuracy}");
}

#[tokio::test]
async fn training_rows_are_counted_otherwise_as_predictions_answer_them() {
    let trainer = Trainer::new(3, "softmax").await;
    let loss = json!({"type": "categorical_focal_crossentropy", "gamma": 1.0});
    let (_, version) = trainer.train("species", json!({"epochs": 3, "loss": loss})).await;
    let matrix = &version["confusion_matrix"];
    assert_eq!(matrix["rows"], "training");
    let (mut instances, mut species) = (Vec::new(), Vec::new());
    for line in IRIS.lines().skip(1) {
        let (numbers, label) = line.rsplit_once(',').unwrap();
        instances.push(numbers.split(',').map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>());
        species.push(label);
    }
    let answer = trainer.post("/v1/models/m:predict", &json!({"instances": instances})).await;
    let labels = ["setosa", "versicolor", "virginica"];
    let mut expected = vec![vec![0; 3]; 3];
    for (row, label) in species.iter().enumerate() {
        let class = |label: &str| labels.iter().position(|known| *known == label).unwrap();
        expected[class(label)][class(answer["predictions"][row]["label"].as_str().unwrap())] += 1;
    }
    assert_eq!(counts(matrix), expected);
}

#[tokio::test]
async fn a_regression_has_none() {
    let trainer = Trainer::new(1, "linear").await;
    let (job, version) = trainer.train("petal_width", json!({"epochs": 1, "loss": "log_cosh"})).await;
    assert!(job.get("confusion_matrix").is_none() && version.get("confusion_matrix").is_none(), "{job:#}");
}
