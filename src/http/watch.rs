//! `/v1/events`: all jobs in one stream, for pages: browsers open at most six connections to a service.

use crate::{
    http::{
        App, accept,
        events::stream_of,
        problem::{Kind, Problem},
        query::{List, Parameters},
    },
    job::{JobOverview, now},
    store::{
        StoreError,
        watch::{self, Watched, snapshot},
    },
};
use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response, sse::Event},
};
use futures::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, sync::Arc};
use utoipa::ToSchema;
use uuid::Uuid;

/// Maximum number of jobs in `jobs`.
const MAX_JOBS: usize = 100;

/// Which jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WatchQuery {
    /// Only these jobs, also those that have ended: ids with commas between them, at most 100. Default: every job
    #[param(value_type = Option<String>)]
    jobs: Option<Ids>,
}

/// Ids with commas between them.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Ids(BTreeSet<Uuid>);

impl TryFrom<String> for Ids {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let ids = text.split(',').map(Uuid::try_parse).collect::<Result<BTreeSet<_>, _>>();
        match ids {
            Ok(ids) if (1..=MAX_JOBS).contains(&ids.len()) => Ok(Self(ids)),
            _ => {
                let received: String = text.chars().take(80).collect();
                Err(format!("expected 1 to {MAX_JOBS} ids with commas between them, received {received:?}"))
            }
        }
    }
}

/// An event of all jobs. It has no id: a stream begins with the current state, so that nothing is missing after a reconnection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(title = "ServiceEvent")]
pub enum ServiceEvent {
    /// A job as it is now.
    Job {
        /// When it was read.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// The job; `metrics` are those of its last epoch.
        #[schema(value_type = JobOverview)]
        data: Box<JobOverview>,
    },
    /// Progress within an epoch.
    Progress {
        /// When it was sent.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// The job's id.
        job: Uuid,
        /// As the job's own `progress` events: `epoch`, `epochs`, `step`, `steps`, `fraction`, `loss`.
        #[schema(value_type = Object)]
        data: Map<String, Value>,
    },
}

impl From<Watched> for ServiceEvent {
    fn from(watched: Watched) -> Self {
        match watched {
            Watched::Job(job) => Self::Job { at: now(), data: Box::new(JobOverview(*job)) },
            Watched::Progress(job, data) => Self::Progress { at: now(), job, data },
        }
    }
}

/// Events of all jobs
///
/// With `Accept: text/event-stream`: the jobs that have not ended, or those named, as `job` events; then a `job` event after each
/// change of a job (status, epoch, label), and `progress` events within long epochs. Changes in quick succession are one event; the
/// epochs between two events are in `/v1/jobs/{job}/history`. The stream does not end. Otherwise the first events, at
/// most 100, as a list.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "jobs",
    params(WatchQuery),
    responses(
        (status = 200, description = "The events", content(
            (List<ServiceEvent> = "application/json"),
            (String = "text/event-stream", example = "event: progress\ndata: {\"type\":\"progress\",\"at\":\"2026-01-01T00:00:00Z\",\"job\":\"0196f0c2-7a53-7cc0-8000-000000000000\",\"data\":{\"epoch\":8,\"epochs\":50,\"loss\":0.41}}\n\n"),
        )),
    ),
)]
pub async fn watch(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<WatchQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let only = query.jobs.map(|ids| ids.0);
    for id in only.iter().flatten() {
        app.store.job(*id).await.map_err(|error| match error {
            StoreError::NotFound(detail) => Problem::new(Kind::Malformed, format!("in the query: `jobs`: {detail}")),
            error => error.into(),
        })?;
    }
    let as_list = accept::preferred(&headers, &["application/json", "text/event-stream"])? == "application/json";
    if as_list {
        let jobs = snapshot(Arc::clone(&app.store), only, MAX_JOBS).await?;
        let data = jobs.into_iter().map(|job| ServiceEvent::from(Watched::Job(Box::new(job)))).collect();
        return Ok(Json(List { data, next: None }).into_response());
    }
    let events = watch::watch(Arc::clone(&app.store), only).map(|watched| match watched.map(ServiceEvent::from) {
        Ok(event) => {
            let name = match event {
                ServiceEvent::Job { .. } => "job",
                ServiceEvent::Progress { .. } => "progress",
            };
            Event::default().event(name).json_data(event)
        }
        Err(error) => {
            tracing::error!(%error, "the event stream of all jobs broke off");
            Err(axum::Error::new(error))
        }
    });
    Ok(stream_of(events, &app))
}
