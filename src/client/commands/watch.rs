//! `epoca watch`.

use crate::client::{
    api::Api,
    describe,
    failure::{EXIT_CODES, Failure},
    names,
    output::{print, print_line},
    watch::{self, Shown},
};
use clap::Args;

/// Which job, and how it is shown.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Watch {
    /// The job: an id, its first characters, or `@last` [default: the job that runs, or the last one]
    #[arg(value_name = "JOB")]
    job: Option<String>,

    /// Print the events as NDJSON, and the job as the last line
    #[arg(long)]
    json: bool,

    /// Print a line an epoch where stderr is no terminal, in place of about 20 lines
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,
}

/// Follows a job to its end.
pub async fn run(api: &Api, arguments: Watch) -> Result<(), Failure> {
    let job = match &arguments.job {
        Some(text) => names::job(api, text).await?,
        None => running(api).await?,
    };
    let shown = match (arguments.json, arguments.verbose) {
        (true, _) => Shown::Events,
        (false, true) => Shown::EveryEpoch,
        (false, false) => Shown::Progress,
    };
    let job = watch::to_end(api, &job, shown).await?;
    if arguments.json {
        print_line(&job)?;
    } else if job["status"] == "succeeded" {
        print(&describe::result(&job, None))?;
    }
    watch::verdict(&job)
}

async fn running(api: &Api) -> Result<serde_json::Value, Failure> {
    for status in ["running", "queued", "paused"] {
        let page = api.list(&["jobs"], &[("status", status)], 1).await?;
        if let Some(id) = page["data"][0]["id"].as_str() {
            return api.get(&["jobs", id], &[]).await;
        }
    }
    names::job(api, names::LAST).await
}
