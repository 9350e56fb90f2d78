//! A job's events, followed to its end; a connection that breaks off is made again where it stopped.

use super::{
    api::{Api, NOBODY},
    failure::Failure,
    sse::Parser,
};
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a service that went away may take to come back.
const MAX_ABSENCE: Duration = Duration::from_secs(60);

/// Between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(500);

/// Whether a job with this status has ended.
pub fn has_ended(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "cancelled")
}

/// Something that a follower hears.
#[derive(Debug)]
pub enum Heard {
    /// An event of the service.
    Event(Value),
    /// The connection was lost and is being made again.
    Lost,
}

/// Calls `hear` with each event of `job` until the job has ended.
pub async fn follow(api: &Api, job: &str, mut hear: impl FnMut(Heard) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut last_id = 0;
    let mut lost_at: Option<Instant> = None;
    loop {
        match follow_once(api, job, &mut last_id, &mut lost_at, &mut hear).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            // The first connection fails at once.
            Err(failure) if last_id == 0 || !is_absence(&failure) => return Err(failure),
            Err(_) => {}
        }
        let since = *lost_at.get_or_insert_with(Instant::now);
        if since.elapsed() > MAX_ABSENCE {
            let seconds = MAX_ABSENCE.as_secs();
            return Err(Failure::Missing(format!("{NOBODY} at {} since {seconds} seconds", api.url())));
        }
        hear(Heard::Lost)?;
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_absence(failure: &Failure) -> bool {
    match failure {
        Failure::Missing(text) => text.starts_with(NOBODY),
        Failure::Error(text) => text.ends_with("broke off"),
        _ => false,
    }
}

/// One connection; true where the job has ended.
async fn follow_once(
    api: &Api,
    job: &str,
    last_id: &mut u64,
    lost_at: &mut Option<Instant>,
    hear: &mut impl FnMut(Heard) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let answer = api.events(&["jobs", job, "events"], *last_id).await?;
    if answer.status() == StatusCode::NO_CONTENT {
        return Ok(true);
    }
    *lost_at = None;
    let mut parser = Parser::default();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return Ok(false) };
        let events = parser.push(&chunk).map_err(|error| Failure::Error(format!("an event is not JSON: {error}")))?;
        for event in events {
            *last_id = event["id"].as_u64().unwrap_or(*last_id);
            let ended = event["type"] == "status" && event["data"]["status"].as_str().is_some_and(has_ended);
            hear(Heard::Event(event))?;
            if ended {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
