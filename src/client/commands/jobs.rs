//! `epoca jobs`.

use crate::client::{
    api::Api,
    describe,
    failure::{EXIT_CODES, Failure},
    list::{self, limit},
    names,
    notes::note,
    output::{duration, print, print_json, short, table},
};
use clap::{Args, Subcommand};
use serde_json::Value;

/// What `--status` takes.
const STATUSES: [&str; 6] = ["queued", "running", "paused", "succeeded", "failed", "cancelled"];

/// Jobs, newest first; or what to do with some.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Jobs {
    #[command(subcommand)]
    action: Option<Action>,

    /// Only jobs of this status
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,

    /// Only jobs of this model
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Only jobs on this dataset
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,

    /// Only jobs with this label
    #[arg(long, value_name = "NAME[=VALUE]")]
    label: Option<String>,

    /// Jobs to list [default: 20]
    #[arg(long, value_name = "N", value_parser = limit)]
    limit: Option<usize>,

    /// Print the API's own objects
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List jobs, as without an action
    #[command(hide = true, alias = "ls")]
    List,
    /// Show a job with its settings and results
    Show {
        /// The job: an id, its first characters, or `@last`
        #[arg(value_name = "JOB", default_value = names::LAST)]
        job: String,
    },
    /// Cancel jobs
    Cancel(Named),
    /// Pause jobs: they keep their place in memory and leave their worker to other jobs
    Pause(Named),
    /// Resume paused jobs where they were
    Resume(Named),
    /// End jobs with the epoch, tree or round that runs, and keep the best they have learned as a version
    Finish(Named),
    /// Run ended jobs again with the same settings, as new jobs whose ids are printed
    Retry(Named),
    /// Delete ended jobs with their events; a version that a job made is deleted before it
    #[command(aliases = ["delete", "remove"])]
    Rm(Named),
    /// Compare jobs: the settings that differ, then the metrics, the best ones marked with *
    Compare {
        /// The jobs: ids, their first characters, or `@last` [default: the last five that succeeded]
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
}

/// Jobs to do something with.
#[derive(Debug, Clone, Args)]
struct Named {
    /// The jobs: ids, their first characters, or `@last`
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<String>,
}

/// Lists, shows, controls or compares jobs.
pub async fn run(api: &Api, arguments: Jobs) -> Result<(), Failure> {
    let filters = [
        ("--status", arguments.status.is_some()),
        ("--model", arguments.model.is_some()),
        ("--dataset", arguments.dataset.is_some()),
        ("--label", arguments.label.is_some()),
        ("--limit", arguments.limit.is_some()),
    ];
    list::only_without_action(
        &filters,
        arguments.action.as_ref().is_some_and(|action| !matches!(action, Action::List)),
    )?;
    match &arguments.action {
        None | Some(Action::List) => list(api, &arguments).await,
        Some(Action::Show { job }) => {
            let job = names::job(api, job).await?;
            if arguments.json { print_json(&job) } else { print(&describe::job(&job)) }
        }
        Some(Action::Cancel(named)) => ask(api, named, "cancel", "is about to end", arguments.json).await,
        Some(Action::Pause(named)) => ask(api, named, "pause", "is about to be paused", arguments.json).await,
        Some(Action::Resume(named)) => ask(api, named, "resume", "goes on", arguments.json).await,
        Some(Action::Finish(named)) => {
            ask(api, named, "finish", "ends early and keeps its model", arguments.json).await
        }
        Some(Action::Retry(named)) => retry(api, named, arguments.json).await,
        Some(Action::Rm(named)) => remove(api, named).await,
        Some(Action::Compare { jobs }) => {
            let jobs = compared(api, jobs).await?;
            if arguments.json { print_json(&Value::Array(jobs)) } else { print(&comparison(&jobs)) }
        }
    }
}

/// Asks each of the jobs; `running` says what becomes of one that runs.
async fn ask(api: &Api, named: &Named, verb: &str, running: &str, is_json: bool) -> Result<(), Failure> {
    for job in &named.jobs {
        let job = names::job(api, job).await?;
        let id = job["id"].as_str().unwrap_or_default();
        let job = api.post(&["jobs", id, verb], &[], &Value::Object(Default::default())).await?;
        if is_json {
            print_json(&job)?;
            continue;
        }
        match job["status"].as_str().unwrap_or_default() {
            "running" => note(format_args!("the job {id} {running}")),
            status => note(format_args!("the job {id} is {status}")),
        }
    }
    Ok(())
}

async fn retry(api: &Api, named: &Named, is_json: bool) -> Result<(), Failure> {
    for job in &named.jobs {
        let job = names::job(api, job).await?;
        let id = job["id"].as_str().unwrap_or_default();
        let job = api.post(&["jobs", id, "retry"], &[], &Value::Object(Default::default())).await?;
        if is_json {
            print_json(&job)?;
            continue;
        }
        let id = job["id"].as_str().unwrap_or_default();
        print(&format!("{id}\n"))?;
        note(format_args!("next:  {}", api.command(&format!("watch {}", names::short_ids(&[id]).join("")))));
    }
    Ok(())
}

async fn remove(api: &Api, named: &Named) -> Result<(), Failure> {
    for job in &named.jobs {
        let job = names::job(api, job).await?;
        let id = job["id"].as_str().unwrap_or_default();
        api.delete(&["jobs", id]).await.map_err(|failure| match failure {
            Failure::Error(text) if job["version"].is_u64() => {
                let version = api.command(&format!("models rm {}", describe::version_of(&job)));
                Failure::Error(format!("{text}: `{version}`"))
            }
            other => other,
        })?;
        note(format_args!("deleted the job {id}"));
    }
    Ok(())
}

async fn list(api: &Api, arguments: &Jobs) -> Result<(), Failure> {
    let filters = [
        ("status", &arguments.status),
        ("model", &arguments.model),
        ("dataset", &arguments.dataset),
        ("label", &arguments.label),
    ];
    let query: Vec<(&str, &str)> =
        filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let limit = arguments.limit.unwrap_or(list::DEFAULT_LIMIT);
    let page = api.list(&["jobs"], &query, limit).await?;
    if arguments.json {
        return print_json(&page);
    }
    let jobs = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if jobs.is_empty() && query.is_empty() {
        note(names::no_jobs(api));
        return Ok(());
    }
    if jobs.is_empty() {
        note("no jobs match");
        return Ok(());
    }
    print(&describe::jobs(jobs))?;
    if page["next"].is_string() {
        note(format_args!("there are more: --limit {}", limit.saturating_mul(5)));
    }
    Ok(())
}

async fn compared(api: &Api, jobs: &[String]) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    if jobs.is_empty() {
        let page = api.list(&["jobs"], &[("status", "succeeded")], 5).await?;
        for job in page["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
            found.push(api.get(&["jobs", job["id"].as_str().unwrap_or_default()], &[]).await?);
        }
        return if found.is_empty() { Err(names::no_jobs(api)) } else { Ok(found) };
    }
    for job in jobs {
        found.push(names::job(api, job).await?);
    }
    Ok(found)
}

/// Settings that differ, then metrics: a column a job.
fn comparison(jobs: &[Value]) -> String {
    let ids: Vec<&str> = jobs.iter().filter_map(|job| job["id"].as_str()).collect();
    let short_ids = names::short_ids(&ids);
    let heading: Vec<&str> = std::iter::once("").chain(short_ids.iter().map(String::as_str)).collect();
    let line = |name: &str, cells: Vec<String>| std::iter::once(name.to_owned()).chain(cells).collect::<Vec<_>>();

    let mut rows = vec![line("model", jobs.iter().map(describe::version_of).collect())];
    for field in ["dataset", "target", "features", "task"] {
        add_if_different(&mut rows, field, jobs.iter().map(|job| describe::brief(&job[field])).collect());
    }
    let settings: Vec<Vec<(String, String)>> = jobs.iter().map(settings).collect();
    for name in union(&settings) {
        let value = |settings: &Vec<(String, String)>| {
            settings.iter().find(|(known, _)| known == name).map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
        };
        add_if_different(&mut rows, name, settings.iter().map(value).collect());
    }
    rows.push(line("status", jobs.iter().map(|job| describe::brief(&job["status"])).collect()));
    let metrics: Vec<Vec<(String, String)>> = jobs.iter().map(|job| leaves(&job["metrics"])).collect();
    let epochs = |job: &Value| job["best_epoch"].as_u64().map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
    rows.push(line("best epoch", jobs.iter().map(epochs).collect()));
    for name in union(&metrics) {
        let values: Vec<Option<f64>> = jobs.iter().map(|job| job["metrics"][name].as_f64()).collect();
        rows.push(line(name, marked(name, &values)));
    }
    let seconds = jobs.iter().map(|job| job["timing"]["training_seconds"].as_f64());
    rows.push(line("training", seconds.map(|value| value.map_or_else(|| "-".to_owned(), duration)).collect()));
    table(&heading, &rows)
}

/// The settings of training and preprocessing by their paths: `optimizer.learning_rate`.
fn settings(job: &Value) -> Vec<(String, String)> {
    let mut found = leaves(&job["training"]);
    found.extend(leaves(&job["split"]).into_iter().map(|(name, value)| (format!("split.{name}"), value)));
    found
}

/// Everything in an object by its path; `type` is the value of its parent.
fn leaves(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::Object(_) => found.extend(leaves(value).into_iter().map(|(inner, value)| {
                let path = if inner == "type" { name.clone() } else { format!("{name}.{inner}") };
                (path, value)
            })),
            other => found.push((name.clone(), describe::brief(other))),
        }
    }
    found
}

/// The names of all, each once, in the order of their first appearance.
fn union(lists: &[Vec<(String, String)>]) -> Vec<&String> {
    let mut names = Vec::new();
    for (name, _) in lists.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn add_if_different(rows: &mut Vec<Vec<String>>, name: &str, cells: Vec<String>) {
    let cells: Vec<String> = cells.into_iter().map(cut).collect();
    if cells.windows(2).any(|pair| pair[0] != pair[1]) {
        rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    }
}

/// Long lists, such as features, by their beginning and their length.
fn cut(cell: String) -> String {
    const MAX_CHARACTERS: usize = 32;
    let length = cell.chars().count();
    if length <= MAX_CHARACTERS {
        return cell;
    }
    let start: String = cell.chars().take(MAX_CHARACTERS - 10).collect();
    format!("{start} … ({length})")
}

/// Values of one metric, the best of several with a star. Which way is better follows from the name, as in Keras; where it does
/// not, none is marked.
fn marked(name: &str, values: &[Option<f64>]) -> Vec<String> {
    let is_any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let sign = if is_any(&["loss", "error", "mse", "mae", "crossentropy", "divergence", "poisson"]) {
        Some(-1.0)
    } else if is_any(&["accuracy", "auc", "precision", "recall", "f1", "r2", "iou"]) {
        Some(1.0)
    } else {
        None
    };
    let known: Vec<f64> = values.iter().filter_map(|value| Some((*value)? * sign?)).collect();
    let best = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let is_best = |value: f64| known.len() > 1 && sign.is_some_and(|sign| value * sign == best);
    let cell = |value: &Option<f64>| match value {
        Some(value) => format!("{}{}", short(*value), if is_best(*value) { "*" } else { "" }),
        None => "-".to_owned(),
    };
    values.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_best_metric_is_marked() {
        assert_eq!(marked("val_loss", &[Some(0.5), Some(0.25), None]), ["0.5000", "0.2500*", "-"]);
        assert_eq!(marked("accuracy", &[Some(0.5), Some(0.25)]), ["0.5000*", "0.2500"]);
        assert_eq!(marked("accuracy", &[Some(0.5)]), ["0.5000"]);
        assert_eq!(marked("something", &[Some(0.5), Some(1.0)]), ["0.5000", "1.0000"]);
    }

    #[test]
    fn only_settings_that_differ_are_compared() {
        let job = |id: &str, epochs: u64, loss: f64| {
            let optimizer = json!({"type": "adam", "learning_rate": 0.001 * epochs as f64});
            json!({"id": id, "model": "m", "version": 1, "dataset": "d",
                "training": {"epochs": epochs, "seed": 7, "optimizer": optimizer}, "metrics": {"loss": loss}})
        };
        let text = comparison(&[
            job("01a224de-136e-717e-b024-29ab82f12bac", 5, 0.5),
            job("01a224de-1557-74b6-9881-031eb5344a06", 9, 0.25),
        ]);
        let names: Vec<&str> = text.lines().skip(1).map(|line| line.split("  ").next().unwrap()).collect();
        assert_eq!(names, ["model", "epochs", "optimizer.learning_rate", "status", "best epoch", "loss", "training"]);
        assert!(text.contains("0.2500*"), "{text}");
    }
}
