//! `epoca logs`.

use crate::client::{
    api::Api,
    failure::{EXIT_CODES, Failure},
    follow::{Heard, follow},
    names,
    output::{clean, print, print_line},
    progress::{metrics, unit},
    watch,
};
use clap::Args;
use serde_json::Value;

/// Which events.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Logs {
    /// The job: an id, its first characters, or `@last`
    #[arg(value_name = "JOB", default_value = names::LAST)]
    job: String,

    /// Wait for new events until the job ends
    #[arg(short, long)]
    follow: bool,

    /// Print the events as NDJSON
    #[arg(long)]
    json: bool,
}

/// Prints a job's events.
pub async fn run(api: &Api, arguments: Logs) -> Result<(), Failure> {
    let job = names::job(api, &arguments.job).await?;
    let id = job["id"].as_str().unwrap_or_default();
    let show = |event: &Value| if arguments.json { print_line(event) } else { print(&format!("{}\n", line(event))) };
    if arguments.follow {
        let hear = |heard: Heard| match heard {
            // Progress within an epoch is not kept, and is no part of a log.
            Heard::Event(event) if event["id"].is_u64() => show(&event),
            _ => Ok(()),
        };
        return tokio::select! {
            biased;
            followed = follow(api, id, hear) => followed,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted(watch::detached(api, id))),
        };
    }
    let events = api.list(&["jobs", id, "events"], &[], usize::MAX).await?;
    events["data"].as_array().map(Vec::as_slice).unwrap_or_default().iter().try_for_each(show)
}

fn line(event: &Value) -> String {
    let data = &event["data"];
    let time = event["at"].as_str().unwrap_or_default();
    let time = time.get(..19).map_or_else(|| clean(time), |seconds| format!("{}Z", seconds));
    let text = match event["type"].as_str() {
        Some("epoch") => format!("{} {}/{}  {}", unit(data), data["epoch"], data["epochs"], metrics(data, |_| true)),
        Some("status") => {
            let version = data["version"].as_u64().map(|version| format!(", version {version}")).unwrap_or_default();
            let error = data["error"].as_str().or(data["error"]["detail"].as_str());
            let error = error.map(|error| format!(": {}", clean(error))).unwrap_or_default();
            format!("{}{version}{error}", clean(data["status"].as_str().unwrap_or_default()))
        }
        Some("message") => clean(data["text"].as_str().unwrap_or_default()),
        _ => clean(&data.to_string()),
    };
    format!("{time}  {text}")
}
