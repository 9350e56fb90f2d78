//! One table from upload to prediction.

use super::{
    client::{Body, Client},
    output::say,
    summary::Outcome,
    tables::{Cut, Table},
};
use crate::client as commands;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// The model beside the network.
const BOOSTED: &str = "gradient_boosting";

/// Uploads, defines, trains and predicts; fails where a step does.
pub async fn run_table(client: &Client, table: &Table) -> anyhow::Result<Outcome> {
    let name = table.name;
    let cut = table.cut()?;
    say(format_args!("\n== {name}: {} rows are held out", cut.labels.len()))?;

    let file = client.write(&format!("{name}.csv"), &cut.training).await?;
    let upload = Body::File(file, "text/csv");
    let dataset = client.create(&format!("/v1/datasets?name={name}"), upload, &format!("demo-dataset-{name}")).await?;
    let columns = dataset["columns"].as_array().map_or(0, Vec::len);
    say(format_args!("  {} rows of {columns} columns", dataset["rows"]))?;

    let model = format!("{name}-mlp");
    let body = Body::Json(json!({"name": model, "definition": (table.definition)()}));
    client.create("/v1/models", body, &format!("demo-model-{name}")).await?;

    let body = json!({"model": model, "dataset": name, "target": table.target, "training": (table.training)()});
    let job = client.create("/v1/jobs", Body::Json(body), &format!("demo-job-{name}")).await?;
    let id = job["id"].as_str().context("the job has no id")?;
    client.show_stream(&format!("/v1/jobs/{id}/events"))?;
    commands::watch_job(client.url(), id).await?;
    let job = client.get(&format!("/v1/jobs/{id}")).await?;

    let version = client.get(&format!("/v1/models/{model}/versions/{}", job["version"])).await?;
    let request = json!({"instances": cut.instances}).to_string();
    let file = client.write(&format!("{name}-held-out.json"), request).await?;
    let answer = client.predict(&format!("/v1/models/{model}:predict"), Body::File(file, "application/json")).await?;
    let (predictions, right) = right(&answer, &cut)?;
    say(format_args!("  {right} of {} held-out rows are right", cut.labels.len()))?;
    if let (Some(prediction), Some(label)) = (predictions.first(), cut.labels.first()) {
        say(format_args!("  the first one is {label}: {prediction}"))?;
    }
    if let Some(sentence) = job["leaderboard"]["sentence"].as_str() {
        say(format_args!("  on its validation rows, {sentence}"))?;
    }
    let boosted = boosted(client, table, &cut).await?;
    say(format_args!("  {BOOSTED}: {boosted} of {} held-out rows are right", cut.labels.len()))?;
    Ok(Outcome {
        data: name,
        rows: dataset["rows"].as_u64().unwrap_or_default(),
        parameters: version["summary"]["parameters"].as_u64().unwrap_or_default(),
        epochs: job["progress"]["epoch"].as_u64().unwrap_or_default(),
        seconds: job["timing"]["training_seconds"].as_f64().unwrap_or_default(),
        accuracy: right as f64 / cut.labels.len() as f64,
        boosted_accuracy: boosted as f64 / cut.labels.len() as f64,
        min_accuracy: table.min_accuracy,
    })
}

/// Trains a boosted tree on the same rows; how many of the held-out rows it gets right.
async fn boosted(client: &Client, table: &Table, cut: &Cut) -> anyhow::Result<usize> {
    let name = table.name;
    let model = format!("{name}-{BOOSTED}");
    let body = Body::Json(json!({"name": model, "definition": {"type": BOOSTED}}));
    client.create("/v1/models", body, &format!("demo-model-{model}")).await?;
    let body = json!({"model": model, "dataset": name, "target": table.target, "task": "classification", "training": {"seed": 7}});
    let job = client.create("/v1/jobs", Body::Json(body), &format!("demo-job-{model}")).await?;
    let id = job["id"].as_str().context("the job has no id")?;
    commands::watch_job(client.url(), id).await?;
    let request = json!({"instances": cut.instances}).to_string();
    let file = client.write(&format!("{name}-held-out.json"), request).await?;
    let answer = client.predict(&format!("/v1/models/{model}:predict"), Body::File(file, "application/json")).await?;
    Ok(right(&answer, cut)?.1)
}

/// The predictions of an answer, and how many of them are right.
fn right<'a>(answer: &'a Value, cut: &Cut) -> anyhow::Result<(&'a [Value], usize)> {
    let predictions = answer["predictions"].as_array().context("the answer has no predictions")?;
    ensure!(
        predictions.len() == cut.labels.len(),
        "expected {} predictions, received {}",
        cut.labels.len(),
        predictions.len()
    );
    let is_right = |(prediction, label): &(&Value, &String)| text_of(&prediction["label"]) == **label;
    Ok((predictions, predictions.iter().zip(&cut.labels).filter(is_right).count()))
}

/// A label as a file writes it.
fn text_of(label: &Value) -> String {
    label.as_str().map_or_else(|| label.to_string(), str::to_owned)
}
