//! Watching a job to its end.

use super::{
    api::Api,
    failure::Failure,
    follow::{Heard, follow},
    names,
    output::{clean, print_line},
    progress::Progress,
};
use serde_json::Value;

/// How a job is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Its events as NDJSON on stdout.
    Events,
    /// Its progress on stderr, of many epochs some.
    Progress,
    /// Its progress on stderr, of every epoch.
    EveryEpoch,
}

/// Follows `job` until it has ended, and returns it. Ctrl-C ends the watching, not the job.
pub async fn to_end(api: &Api, job: &Value, shown: Shown) -> Result<Value, Failure> {
    let id = job["id"].as_str().unwrap_or_default();
    let mut progress = match shown {
        Shown::Events => None,
        Shown::Progress => Some(Progress::new(false)),
        Shown::EveryEpoch => Some(Progress::new(true)),
    };
    let hear = |heard: Heard| match (heard, &mut progress) {
        (Heard::Event(event), None) => print_line(&event),
        (Heard::Event(event), Some(progress)) => {
            progress.show(&event);
            Ok(())
        }
        (Heard::Lost, Some(progress)) => {
            progress.lost();
            Ok(())
        }
        (Heard::Lost, None) => Ok(()),
    };
    let followed = tokio::select! {
        biased;
        followed = follow(api, id, hear) => followed,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted(detached(api, id))),
    };
    if let Some(progress) = &mut progress {
        progress.finish();
    }
    followed?;
    api.get(&["jobs", id], &[]).await
}

/// What to say where the watching ends and the job does not.
pub fn detached(api: &Api, id: &str) -> String {
    let short = names::short_ids(&[id]).join("");
    let (watch, cancel) = (api.command(&format!("watch {short}")), api.command(&format!("jobs cancel {short}")));
    format!("\nstopped watching; the job {short} continues\n  to come back:  {watch}\n  to cancel it:  {cancel}")
}

/// A failure where the job did not succeed.
pub fn verdict(job: &Value) -> Result<(), Failure> {
    let id = job["id"].as_str().unwrap_or_default();
    match job["status"].as_str().unwrap_or_default() {
        "failed" => {
            let reason = job["error"].as_str().or(job["error"]["detail"].as_str());
            Err(Failure::JobFailed(format!("the job {id} failed: {}", clean(reason.unwrap_or("no reason is known")))))
        }
        "cancelled" => Err(Failure::JobCancelled(format!("the job {id} was cancelled"))),
        _ => Ok(()),
    }
}
