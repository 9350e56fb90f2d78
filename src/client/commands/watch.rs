//! `epoca watch`.

use crate::client::{
    api::Api,
    describe,
    failure::{EXIT_CODES, Failure},
    names,
    output::{print, print_line},
    watch,
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
}

/// Follows a job to its end.
pub async fn run(api: &Api, arguments: Watch) -> Result<(), Failure> {
    let job = match &arguments.job {
        Some(text) => names::job(api, text).await?,
        None => running(api).await?,
    };
    let job = watch::to_end(api, &job, arguments.json).await?;
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
