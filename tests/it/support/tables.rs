//! A service to send tables to, to train on them and to predict.

use super::{Client, Server, client};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A service and a client.
pub struct Tables {
    pub server: Server,
    pub client: Client,
}

impl Tables {
    pub async fn start() -> Self {
        Self { server: Server::start().await, client: Client::new() }
    }

    /// Uploads a table; `query` follows the name, as `&header=false`.
    pub async fn send(&self, name: &str, query: &str, media_type: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let request = self.client.post(format!("{}/v1/datasets?name={name}{query}", self.server.url()));
        let answer = request.header("content-type", media_type).body(body.into()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    /// The dataset of a CSV file that must be read.
    pub async fn csv(&self, name: &str, csv: &str) -> Value {
        let (status, dataset) = self.send(name, "", "text/csv", csv).await;
        assert_eq!(status, 201, "{csv:.200}\n{dataset:#}");
        dataset
    }

    /// The errors of a CSV file that must be refused.
    pub async fn refused(&self, csv: &str) -> String {
        let (status, problem) = self.send("refused", "", "text/csv", csv).await;
        assert_eq!(status, 422, "{csv:.200}\n{problem:#}");
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// The first rows of a dataset.
    pub async fn rows(&self, name: &str) -> Value {
        let url = format!("{}/v1/datasets/{name}/rows?limit=10", self.server.url());
        let rows: Value = super::get(url).await.unwrap().json().await.unwrap();
        rows["data"].clone()
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.client.post(format!("{}{path}", self.server.url())).json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Asks for a job of a model of `layers`, named as the dataset.
    pub async fn ask(&self, dataset: &str, target: &str, layers: Value) -> (StatusCode, Value) {
        self.ask_definition(dataset, target, json!({"layers": layers})).await
    }

    /// Asks for a job of a model of this definition, named as the dataset.
    pub async fn ask_definition(&self, dataset: &str, target: &str, definition: Value) -> (StatusCode, Value) {
        let model = json!({"name": dataset, "definition": definition});
        let (status, answer) = self.post("/v1/models", &model).await;
        assert!(status.is_success(), "{answer:#}");
        let job = json!({
            "model": dataset, "dataset": dataset, "target": target,
            "training": {"epochs": 300, "batch_size": "full", "optimizer": {"type": "adam", "learning_rate": 0.05}, "seed": 1},
        });
        self.post("/v1/jobs", &job).await
    }

    /// The answer to a job without baselines of a model of this definition, which is defined under a new name.
    pub async fn ask_job(&self, definition: Value, job: Value) -> (u16, Value) {
        let name = format!("m-{}", uuid::Uuid::now_v7());
        let (status, model) = self.post("/v1/models", &json!({"name": name, "definition": definition})).await;
        assert_eq!(status, StatusCode::CREATED, "{model:#}");
        let mut request = json!({"model": name, "baselines": false});
        request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
        let (status, job) = self.post("/v1/jobs", &request).await;
        (status.as_u16(), job)
    }

    /// The job of [`Self::ask_job`] at its end.
    pub async fn ended_job(&self, definition: Value, job: Value) -> Value {
        let (status, job) = self.ask_job(definition, job).await;
        assert_eq!(status, 202, "{job:#}");
        client::wait_for_end(self.server.url(), job["id"].as_str().unwrap()).await
    }

    /// Trains a model of `layers`, named as the dataset, and returns the job.
    pub async fn train(&self, dataset: &str, target: &str, layers: Value) -> Value {
        let (status, job) = self.ask(dataset, target, layers).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{job:#}");
        let job = client::wait_for_end(self.server.url(), job["id"].as_str().unwrap()).await;
        assert_eq!(job["status"], "succeeded", "{job:#}");
        job
    }

    /// Why a job on a model of `layers` is refused.
    pub async fn refused_job(&self, dataset: &str, target: &str, layers: Value) -> String {
        let (status, problem) = self.ask(dataset, target, layers).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// What a model answers.
    pub async fn ask_predictions(&self, model: &str, instances: Value) -> (StatusCode, Value) {
        self.post(&format!("/v1/models/{model}:predict"), &json!({"instances": instances})).await
    }

    /// Predictions that must be made.
    pub async fn predict(&self, model: &str, instances: Value) -> Value {
        let (status, answer) = self.ask_predictions(model, instances).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        answer["predictions"].clone()
    }
}

/// Names of a dataset's columns with their types.
pub fn columns(dataset: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    dataset["columns"].as_array().unwrap().iter().map(|column| (text(&column["name"]), text(&column["type"]))).collect()
}

/// Column `name` of a dataset.
pub fn column<'a>(dataset: &'a Value, name: &str) -> &'a Value {
    dataset["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}
