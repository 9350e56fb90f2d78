//! `/v1/jobs/{job}/events`: the events of a job, as a stream or as a list.

use crate::{
    http::{
        App, accept,
        metrics::OpenStream,
        path::Id,
        problem::{Kind, Problem},
        query::{Limit, List, Parameters, Position},
    },
    job::JobEvent,
    store::follow::{Followed, follow},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Keeps proxies from closing a stream in which nothing happens.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How long a client should wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Only events after this id
    #[param(value_type = Option<u64>, example = 7)]
    after: Option<Position>,
    /// Maximum number of entries of a list
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
}

/// Events of a job
///
/// With `Accept: text/event-stream` the stored events, then new ones, and between them `progress` events without an id; the
/// stream ends after the terminal `status`. `Last-Event-ID` (or `after`) resumes it. Otherwise the stored events as a list.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job}/events",
    tag = "jobs",
    params(
        ("job" = Uuid, Path, description = "Id"),
        EventsQuery,
        ("last-event-id" = Option<u64>, Header, description = "The id of the last event seen"),
    ),
    responses(
        (status = 200, description = "The events", content(
            (List<JobEvent> = "application/json"),
            (String = "text/event-stream", example = "id: 9\nevent: epoch\ndata: {\"id\":9,\"type\":\"epoch\",\"at\":\"2026-01-01T00:00:00Z\",\"data\":{\"epoch\":8,\"epochs\":50,\"loss\":0.41}}\n\n"),
        )),
        (status = 204, description = "The job has ended, and no event follows the given one"),
    ),
)]
pub async fn events(
    State(app): State<Arc<App>>,
    Id(id): Id,
    Parameters(query): Parameters<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = match last_event_id(&headers)? {
        Some(seen) => seen,
        None => query.after.map_or(0, |after| after.0),
    };
    if accept::preferred(&headers, &["application/json", "text/event-stream"])? == "application/json" {
        let limit = query.limit.0;
        let mut data = app.store.events_after(id, after, limit + 1).await?.events;
        let more = data.len() > limit as usize;
        data.truncate(limit as usize);
        let next = data.last().filter(|_| more).map(|event| event.id.to_string());
        return Ok(Json(List { data, next }).into_response());
    }
    let page = app.store.events_after(id, after, 1).await?;
    if after > page.last && !page.status.is_terminal() {
        let last = page.last;
        let detail = format!("expected the id of an event of this job, at most {last} so far, received {after}");
        return Err(Problem::new(Kind::NoSuchEvent, detail));
    }
    if page.events.is_empty() && page.status.is_terminal() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = follow(Arc::clone(&app.store), id, after).map(move |followed| match followed {
        Ok(Followed::Event(event)) => kept(&event),
        Ok(Followed::Progress(data)) => {
            let progress = serde_json::json!({"type": "progress", "at": crate::job::now(), "data": data});
            Event::default().event("progress").json_data(progress)
        }
        Err(error) => {
            tracing::error!(%error, %id, "an event stream broke off");
            Err(axum::Error::new(error))
        }
    });
    Ok(stream_of(events, &app))
}

/// The events as an answer that ends with the service.
pub fn stream_of(events: impl Stream<Item = Result<Event, axum::Error>> + Send + 'static, app: &App) -> Response {
    let hint = stream::once(async { Ok(Event::default().retry(RETRY)) });
    let open = OpenStream::open();
    let stream = hint.chain(events).take_until(app.shutdown.clone().cancelled_owned()).inspect(move |_| {
        let _ = &open;
    });
    let mut response = Sse::new(stream).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)).into_response();
    // Keeps proxies from buffering the events.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn kept(event: &JobEvent) -> Result<Event, axum::Error> {
    Event::default().id(event.id.to_string()).event(event.kind.name()).json_data(event)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| Position::try_from(text.to_owned()).ok());
    parsed.map(|seen| Some(seen.0)).ok_or_else(|| {
        Problem::new(Kind::Malformed, format!("expected Last-Event-ID to be the id of an event, received {value:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_event_id_is_a_number() {
        let with =
            |id: &str| last_event_id(&HeaderMap::from_iter([(LAST_EVENT_ID, HeaderValue::from_str(id).unwrap())]));
        assert_eq!(with("7").unwrap(), Some(7));
        assert_eq!(last_event_id(&HeaderMap::new()).unwrap(), None);
        for bad in ["", "-1", "x", "9223372036854775808"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }
}
