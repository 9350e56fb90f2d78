//! Jobs, datasets and models in words and tables.

use super::{
    names,
    output::{bytes, clean, duration, pairs, short, shortened, table, text_of},
};
use serde_json::Value;

/// Columns of a terminal for a name in a table, and for a value among others.
const NAME_WIDTH: usize = 40;
const VALUE_WIDTH: usize = 24;

/// Features that are listed.
const MAX_FEATURES: usize = 20;

/// A job with its settings and results.
pub fn job(job: &Value) -> String {
    let mut rows = vec![row("job", text_of(&job["id"])), row("status", status(job)), row("created", when(job))];
    rows.extend(labels(job));
    rows.extend(job["note"].as_str().map(|note| row("note", clean(note))));
    rows.extend(job["queue_position"].as_u64().map(|place| row("place in queue", place.to_string())));
    rows.extend(job["priority"].as_i64().filter(|priority| *priority != 0).map(|it| row("priority", it.to_string())));
    rows.extend(counted(job));
    rows.extend(settings(job, &["epochs"]));
    rows.extend(measured(job));
    rows.extend(time(job));
    format!("{}{}{}", pairs(&rows), leaderboard(&job["leaderboard"]), warnings(job))
}

/// A model beside its baselines, best first; the job's own with a star.
fn leaderboard(leaderboard: &Value) -> String {
    let Some(entries) = leaderboard["entries"].as_array() else { return String::new() };
    let time = |value: &Value| value.as_f64().map(duration).unwrap_or_default();
    let number = |value: &Value| value.as_f64().map(short).unwrap_or_default();
    let of_entry = |entry: &Value| {
        let star = if entry["is_job"] == true { " *" } else { "" };
        vec![
            format!("{}{star}", text_of(&entry["model"])),
            number(&entry["value"]),
            format!("{} to {}", number(&entry["low"]), number(&entry["high"])),
            time(&entry["fit_seconds"]),
            time(&entry["predict_seconds"]),
            bytes(entry["bytes"].as_u64().unwrap_or(0)),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(of_entry).collect();
    let metric = clean(leaderboard["metric"].as_str().unwrap_or_default());
    let skipped = leaderboard["skipped"].as_array().map(Vec::as_slice).unwrap_or_default();
    let skipped =
        skipped.iter().map(|it| format!("{} is left out: {}\n", text_of(&it["model"]), text_of(&it["reason"])));
    let sentence = clean(leaderboard["sentence"].as_str().unwrap_or_default());
    let heading = ["model", metric.as_str(), "95% interval", "fit", "predict", "size"];
    format!("\n{}{}{sentence}\n", table(&heading, &rows), skipped.collect::<String>())
}

/// What a job would be.
pub fn plan(plan: &Value) -> String {
    format!("{}{}", pairs(&settings(plan, &[])), warnings(plan))
}

fn settings(job: &Value, others: &[&str]) -> Vec<(String, String)> {
    let mut rows = vec![
        row("model", version_of(job)),
        row("dataset", text_of(&job["dataset"])),
        row("target", brief(&job["target"])),
        row("features", features(&job["features"])),
        row("task", brief(&job["task"])),
    ];
    if let Some(training) = job["training"].as_object() {
        let shown = training.iter().filter(|(name, value)| !others.contains(&name.as_str()) && !value.is_null());
        rows.extend(shown.map(|(name, value)| row(name, brief(value))));
    }
    if let Some(parameters) = job["summary"]["parameters"].as_u64() {
        rows.push(row("parameters", parameters.to_string()));
    }
    if let Some(peak) = job["summary"]["memory"]["peak_bytes"].as_u64() {
        rows.push(row("memory", bytes(peak)));
    }
    if let Some(seconds) = job["seconds_per_epoch"].as_f64() {
        rows.push(row("an epoch", format!("about {}", duration(seconds))));
    }
    rows
}

/// The labels as `--set labels.NAME=VALUE` and `--label` write them.
fn labels(job: &Value) -> Option<(String, String)> {
    let labels = job["labels"].as_object().filter(|labels| !labels.is_empty())?;
    let written = labels.iter().map(|(name, value)| format!("{}={}", clean(name), text_of(value)));
    Some(row("labels", written.collect::<Vec<_>>().join(", ")))
}

/// The first features, and how many there are.
fn features(features: &Value) -> String {
    match features.as_array() {
        Some(names) if names.len() > MAX_FEATURES => {
            let first: Vec<String> = names.iter().take(MAX_FEATURES).map(brief).collect();
            format!("{}, … ({} columns)", first.join(", "), names.len())
        }
        _ => brief(features),
    }
}

/// What a job has reached.
pub fn result(job: &Value, dataset: Option<&Value>) -> String {
    let mut rows = vec![row("model", version_of(job))];
    rows.extend(counted(job));
    rows.extend(measured(job));
    rows.extend(baseline(job, dataset));
    rows.extend(job["leaderboard"]["sentence"].as_str().map(|sentence| row("comparison", clean(sentence))));
    rows.extend(time(job));
    format!("{}{}", pairs(&rows), warnings(job))
}

/// Warnings, one a line.
pub fn warnings(object: &Value) -> String {
    let warnings = object["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    warnings
        .iter()
        .map(|warning| {
            let columns: Vec<&str> = warning["columns"].as_array().map_or_else(
                || warning["column"].as_str().into_iter().collect(),
                |columns| columns.iter().filter_map(Value::as_str).collect(),
            );
            let shown = columns.iter().take(5).copied().collect::<Vec<_>>().join(", ");
            let more = if columns.len() > 5 { format!(" and {} more", columns.len() - 5) } else { String::new() };
            let columns = if columns.is_empty() { String::new() } else { format!("{shown}{more}: ") };
            format!("warning: {}\n", clean(&format!("{columns}{}", warning["detail"].as_str().unwrap_or_default())))
        })
        .collect()
}

/// Jobs, one a line.
pub fn jobs(jobs: &[Value]) -> String {
    let ids: Vec<&str> = jobs.iter().filter_map(|job| job["id"].as_str()).collect();
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .zip(names::short_ids(&ids))
        .map(|(job, id)| {
            let (name, metric) = main_metric(&job["metrics"]);
            let metric = if name.is_empty() { "-".to_owned() } else { format!("{name} {metric}") };
            vec![
                id,
                status(job),
                shortened(&version_of(job), NAME_WIDTH),
                shortened(&text_of(&job["dataset"]), NAME_WIDTH),
                shortened(&brief(&job["target"]), NAME_WIDTH),
                epochs(job),
                metric,
                when(job),
            ]
        })
        .collect();
    table(&["job", "status", "model", "dataset", "target", "epochs", "metric", "created"], &rows)
}

/// A dataset with its columns.
pub fn dataset(dataset: &Value) -> String {
    let mut rows = vec![
        row("dataset", text_of(&dataset["name"])),
        row("id", text_of(&dataset["id"])),
        row("rows", text_of(&dataset["rows"])),
        row("size", bytes(dataset["bytes"].as_u64().unwrap_or(0))),
    ];
    let read = dataset["read"].as_object().map(|read| {
        let shown = read.iter().filter(|(name, value)| !value.is_null() && *name != "missing");
        shown.map(|(name, value)| format!("{name} {}", brief(value))).collect::<Vec<_>>().join(", ")
    });
    rows.push(row("format", format!("{}, {}", text_of(&dataset["format"]), read.unwrap_or_default())));
    let columns: Vec<Vec<String>> = dataset["columns"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|column| {
            let values = column["values"].as_array().map(|values| {
                let shown: Vec<String> =
                    values.iter().take(4).map(|value| shortened(&text_of(&value["value"]), VALUE_WIDTH)).collect();
                format!("{}{}", shown.join(", "), if values.len() > 4 { ", …" } else { "" })
            });
            vec![
                shortened(&text_of(&column["name"]), NAME_WIDTH),
                text_of(&column["type"]),
                text_of(&column["missing"]),
                format!(
                    "{}{}",
                    if column["distinct_estimated"] == true { "~" } else { "" },
                    text_of(&column["distinct"])
                ),
                text_of(&column["min"]),
                text_of(&column["mean"]),
                text_of(&column["max"]),
                values.unwrap_or_default(),
            ]
        })
        .collect();
    let heading = ["column", "type", "missing", "distinct", "min", "mean", "max", "values"];
    format!("{}\n{}{}", pairs(&rows), table(&heading, &columns), warnings(dataset))
}

/// A trained version.
pub fn version(version: &Value) -> String {
    let mut rows = vec![
        row("model", version_of(version)),
        row("job", text_of(&version["job"])),
        row("dataset", text_of(&version["dataset"])),
        row("task", text_of(&version["signature"]["task"])),
    ];
    for (side, name) in [("inputs", "input"), ("outputs", "output")] {
        let entries = version["signature"][side].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.extend(
            entries.iter().map(|entry| row(name, format!("{} ({})", text_of(&entry["name"]), text_of(&entry["type"])))),
        );
    }
    if let Some(parameters) = version["summary"]["parameters"].as_u64() {
        rows.push(row("parameters", parameters.to_string()));
    }
    rows.extend(measured(version));
    rows.push(row("size", bytes(version["bytes"].as_u64().unwrap_or(0))));
    rows.push(row("created", text_of(&version["created_at"])));
    pairs(&rows)
}

/// `MODEL@VERSION`, or the model alone.
pub fn version_of(object: &Value) -> String {
    let model = text_of(&object["model"]);
    object["version"].as_u64().map_or_else(|| model.clone(), |version| format!("{model}@{version}"))
}

/// The metric that says most, and its value.
pub fn main_metric(metrics: &Value) -> (String, String) {
    let Some(metrics) = metrics.as_object() else { return Default::default() };
    let rank = |name: &str| {
        let is_loss = name.ends_with("loss");
        (!name.starts_with("val_"), is_loss)
    };
    let best = metrics.iter().filter(|(_, value)| value.is_number()).min_by_key(|(name, _)| rank(name));
    best.map(|(name, value)| (clean(name), short(value.as_f64().unwrap_or(f64::NAN)))).unwrap_or_default()
}

fn row(name: &str, value: String) -> (String, String) {
    (clean(name), value)
}

/// A setting on one line: `{"type": "adam", "learning_rate": 0.001}` as `adam, learning_rate 0.001`.
pub fn brief(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let shown = fields.iter().filter(|(_, value)| !value.is_null());
            let shown =
                shown.map(
                    |(name, value)| {
                        if name == "type" { text_of(value) } else { format!("{} {}", clean(name), brief(value)) }
                    },
                );
            shown.collect::<Vec<_>>().join(", ")
        }
        Value::Array(values) => values.iter().map(brief).collect::<Vec<_>>().join(", "),
        Value::Number(number) => number.to_string(),
        other => text_of(other),
    }
}

fn status(job: &Value) -> String {
    text_of(&job["status"])
}

/// How many epochs, trees or rounds a job has had; "-" where it counts none.
fn epochs(job: &Value) -> String {
    let progress = &job["progress"];
    if progress["epochs"] == 0 {
        return "-".to_owned();
    }
    let best = job["best_epoch"].as_u64().map(|best| format!(" (best {best})")).unwrap_or_default();
    format!("{}/{}{best}", progress["epoch"], progress["epochs"])
}

fn counted(job: &Value) -> Option<(String, String)> {
    let progress = &job["progress"];
    (progress["epochs"] != 0).then(|| row(progress["unit"].as_str().unwrap_or("epochs"), epochs(job)))
}

/// The day and minute of the creation.
fn when(object: &Value) -> String {
    text_of(&object["created_at"]).chars().take(16).collect::<String>().replace('T', " ")
}

fn measured(object: &Value) -> Vec<(String, String)> {
    let metrics = object["metrics"].as_object().cloned().unwrap_or_default();
    let last = metrics.iter().map(|(name, value)| row(name, text_of(value)));
    let best = object["best"].as_object().cloned().unwrap_or_default();
    let best = best.iter().filter(|(name, value)| value.is_number() && metrics.get(*name) != Some(value));
    last.chain(best.map(|(name, value)| row(&format!("best {name}"), text_of(value)))).collect()
}

fn time(job: &Value) -> Option<(String, String)> {
    let seconds = job["timing"]["training_seconds"].as_f64()?;
    Some(row("training", duration(seconds)))
}

/// What a model reaches that looks at no feature, or what the service measured as such.
fn baseline(job: &Value, dataset: Option<&Value>) -> Option<(String, String)> {
    let column = dataset?["columns"].as_array()?.iter().find(|column| column["name"] == job["target"])?;
    if job["metrics"]["accuracy"].is_number() {
        let counts: Vec<u64> =
            column["values"].as_array()?.iter().filter_map(|value| value["count"].as_u64()).collect();
        let share = *counts.iter().max()? as f64 / counts.iter().sum::<u64>() as f64;
        return Some(row(
            "baseline",
            format!("accuracy {} by always predicting the most frequent class", short(share)),
        ));
    }
    let deviation = column["std"].as_f64().filter(|_| job["task"] == "regression")?;
    Some(row("baseline", format!("root_mean_squared_error {} by always predicting the mean", short(deviation))))
}
