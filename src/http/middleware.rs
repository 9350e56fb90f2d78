//! What wraps every request: its id, its time limit, panics caught, one form of errors, one log line, one measurement.

use crate::{
    http::{
        App,
        access::{Arrived, RequestId},
        body,
        cut::cut,
        metrics,
        problem::{Kind, MEDIA_TYPE, Problem},
        site,
    },
    worker::panic_text,
};
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures::FutureExt;
use hyper::body::{Body as _, Frame, SizeHint};
use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};
use tracing::Instrument;
use uuid::Uuid;

/// Names the request in answers, logs and problems.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where uploads go: they take as long as they need.
const UPLOADS: &str = "/v1/datasets";

/// Maximum length of a client's request id.
const MAX_REQUEST_ID: usize = 128;

/// The template of the route that answered, where it is not the router's own.
#[derive(Debug, Clone, Copy)]
pub struct RouteTemplate(pub &'static str);

/// Answers one request.
pub async fn wrap(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let matched = request.extensions().get::<MatchedPath>().cloned();

    let id = request_id.to_str().unwrap_or_default();
    if !matches!(method, Method::GET | Method::HEAD) {
        request.extensions_mut().insert(RequestId(id.to_owned()));
    }
    let span = tracing::error_span!("request", request_id = id);
    let mut response = answer(&app, request, next).instrument(span.clone()).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        response = as_problem(response, &method, id);
    }
    site::protect(response.headers_mut(), &path);

    let seconds = started.elapsed().as_secs_f64();
    let template = match (response.extensions().get::<RouteTemplate>(), &matched) {
        (Some(RouteTemplate(template)), _) => template,
        (None, Some(matched)) => matched.as_str(),
        (None, None) => "unmatched",
    };
    let status = response.status();
    metrics::request(&method, template, status, seconds);
    let status = status.as_u16();
    let (method, path) = (cut(method.as_str()), cut(&path));
    let (method, path) = (&*method, &*path);
    span.in_scope(|| {
        if status < 300 && is_routine(template) {
            tracing::debug!(target: "epoca::request", method, path, status, seconds, "answered");
        } else {
            tracing::info!(target: "epoca::request", method, path, status, seconds, "answered");
        }
    });
    response.headers_mut().insert(X_REQUEST_ID, request_id);
    response
}

/// Whether a route is called so often, by machines, that a line for each success would bury the rest and cost more than
/// the answer: predictions, probes and measurements, which `/metrics` counts.
fn is_routine(template: &str) -> bool {
    template.ends_with(":predict") || matches!(template, "/livez" | "/readyz" | "/metrics")
}

/// Runs the handler within the time limit, and catches its panic.
async fn answer(app: &App, request: Request, next: Next) -> Response {
    use axum::response::IntoResponse;

    if let Some(problem) = too_large(request.headers(), app.config.limits.max_header_bytes) {
        return problem.into_response();
    }
    if let Err(problem) = app.sites.check(&request) {
        let (parts, mut body) = request.into_parts();
        body::drain(&mut body, &parts.headers).await;
        return problem.into_response();
    }
    let (request, arrival) = Arrival::watch(request);
    let is_upload = request.method() == Method::POST && request.uri().path() == UPLOADS;
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    let handled = if is_upload {
        handled.await
    } else {
        let limit = app.config.timeouts.request_timeout;
        match tokio::time::timeout(limit, handled).await {
            Ok(handled) => handled,
            Err(_) => {
                let limit = limit.as_secs_f64();
                let problem = match arrival.is_complete() {
                    true => Problem::new(Kind::Unavailable, format!("no answer within {limit} s")),
                    false => Problem::new(Kind::RequestTimeout, format!("expected the body within {limit} s")),
                };
                return problem.into_response();
            }
        }
    };
    handled.unwrap_or_else(|panic| {
        Problem::internal(format_args!("a handler panicked: {}", panic_text(&*panic))).into_response()
    })
}

/// Whether a request's body has arrived.
struct Arrival(Option<Arc<AtomicBool>>);

impl Arrival {
    fn watch(request: Request) -> (Request, Self) {
        if request.body().is_end_stream() {
            return (request, Self(None));
        }
        let is_complete = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_complete);
        let mut request = request.map(|body| Body::new(Arriving { body, is_complete }));
        request.extensions_mut().insert(Arrived(Arc::clone(&seen)));
        (request, Self(Some(seen)))
    }

    fn is_complete(&self) -> bool {
        self.0.as_ref().is_none_or(|complete| complete.load(Ordering::Relaxed))
    }
}

/// A body that tells when it has arrived.
struct Arriving {
    body: Body,
    is_complete: Arc<AtomicBool>,
}

impl hyper::body::Body for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.is_complete.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The client's own id where it is one that can be logged, otherwise a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_sane = |value: &&HeaderValue| {
        (1..=MAX_REQUEST_ID).contains(&value.len())
            && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte))
    };
    headers.get(X_REQUEST_ID).filter(is_sane).cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        let text = Uuid::now_v7().as_hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("none"))
    })
}

fn too_large(headers: &HeaderMap, max: usize) -> Option<Problem> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    (bytes > max).then(|| {
        Problem::new(Kind::HeadersTooLarge, format!("expected headers of at most {max} bytes, received {bytes} bytes"))
    })
}

/// The error as a problem that names the request, whoever answered it; headers such as `Allow` stay.
fn as_problem(response: Response, method: &Method, request_id: &str) -> Response {
    if response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == MEDIA_TYPE) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts
        .extensions
        .remove::<Problem>()
        .unwrap_or_else(|| Problem::new(Kind::of_status(parts.status), plain_detail(parts.status, method)));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let mut response = problem.respond(request_id);
    parts.headers.extend(std::mem::take(response.headers_mut()));
    *response.headers_mut() = parts.headers;
    *response.extensions_mut() = parts.extensions;
    response
}

/// The detail of an error that a library answered.
fn plain_detail(status: StatusCode, method: &Method) -> String {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("expected one of the methods in the header `allow`, received {}", cut(method.as_str()))
        }
        _ => status.canonical_reason().unwrap_or("the request failed").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(id: &str) -> HeaderMap {
        HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_str(id).unwrap())])
    }

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        assert_eq!(request_id(&with_id("client-7.a")), "client-7.a");
        for bad in ["", "a b", "a\"b", "{}", &"x".repeat(MAX_REQUEST_ID + 1)] {
            let id = request_id(&with_id(bad));
            assert!(Uuid::parse_str(id.to_str().unwrap()).is_ok(), "{bad:?} became {id:?}");
        }
    }

    #[test]
    fn headers_over_the_limit_are_refused_with_both_numbers() {
        assert!(too_large(&with_id("abc"), 100).is_none());
        let problem = too_large(&with_id(&"x".repeat(100)), 100).unwrap();
        assert!(format!("{problem:?}").contains("at most 100 bytes, received 116 bytes"), "{problem:?}");
    }
}
