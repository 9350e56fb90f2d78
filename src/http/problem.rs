//! Every error that leaves the service: `application/problem+json` (RFC 9457).
//!
//! Handlers return a [`Problem`]; it travels in the response's extensions to the
//! [`crate::http::middleware`], which adds the request's id and writes the body. So all problems have one form.

use crate::{
    engine::field::{FieldError, FieldErrors, MAX_LISTED},
    http::cut::cut_after,
    store::StoreError,
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Defines [`Kind`] from one row per kind.
macro_rules! kinds {
    ($($kind:ident = $status:ident, $reference:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// What went wrong, by kind: each has its status, its `type` and its `title`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $meaning] $kind),+
        }

        impl Kind {
            /// Every kind, by status.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status),+ }
            }

            /// `type` and `title`: the same for every problem of the kind.
            pub fn names(self) -> (&'static str, &'static str) {
                match self { $(Self::$kind => ($reference, $title)),+ }
            }

            /// What it means, and what a client can do.
            pub fn explanation(self) -> (&'static str, &'static str) {
                match self { $(Self::$kind => ($meaning, $remedy)),+ }
            }
        }
    };
}

kinds! {
    Malformed = BAD_REQUEST, "/problems/malformed", "The request cannot be read",
        "The body, a header or a query parameter cannot be read.",
        "Compare the request with /docs; the detail says which part could not be read.";
    Unauthorized = UNAUTHORIZED, "/problems/unauthorized", "An API key is needed",
        "The request has no API key, or one that is unknown, expired or revoked.",
        "Send Authorization: Bearer with a key that `epoca keys create` printed.";
    Forbidden = FORBIDDEN, "/problems/forbidden", "Not allowed",
        "The API key lacks a scope, or the write comes from a page of another site.",
        "Use a key with the scope that the detail names; let pages of other origins in with --cors-origin.";
    NotFound = NOT_FOUND, "/problems/not-found", "Not found",
        "No route, or no resource with this name or id, is at this path.",
        "Check the path and the name; the lists under /v1 show what is there.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "/problems/method-not-allowed", "The method is not allowed here",
        "The path exists, but not with this method.",
        "Use one of the methods in the header Allow.";
    NotAcceptable = NOT_ACCEPTABLE, "/problems/not-acceptable", "No acceptable media type",
        "The answer has none of the media types that the header Accept names.",
        "Send Accept with a media type that the detail names, or leave it out.";
    RequestTimeout = REQUEST_TIMEOUT, "/problems/request-timeout", "The request took too long to arrive",
        "The request did not arrive in time.",
        "Send it again, over a faster connection or in smaller parts.";
    Conflict = CONFLICT, "/problems/conflict", "Conflict",
        "The request does not fit the present state: a name is taken, a resource is in use, or an Idempotency-Key came with another body.",
        "Read the state of the resource, and choose another name, key or time.";
    TooLarge = PAYLOAD_TOO_LARGE, "/problems/too-large", "The body is too large",
        "The body is larger than the limit.",
        "Send less, or raise the limit of the service; /v1/server shows the limits.";
    UriTooLong = URI_TOO_LONG, "/problems/uri-too-long", "The target is too long",
        "Path and query together are longer than the service reads.",
        "Send what is long in the body.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "/problems/unsupported-media-type", "The content type is not supported",
        "The route does not take a body of this Content-Type.",
        "Send one of the media types that the detail names.";
    Misdirected = MISDIRECTED_REQUEST, "/problems/misdirected", "The service does not answer to this host",
        "The header Host names a host that is not this service.",
        "Use the address that the service listens on, or name the host with --allowed-host.";
    NoSuchEvent = RANGE_NOT_SATISFIABLE, "/problems/no-such-event", "No such event",
        "The stream of events was asked to continue after an event that the job does not have.",
        "Connect again without Last-Event-ID: the stream starts at the first event.";
    Invalid = UNPROCESSABLE_ENTITY, "/problems/invalid", "The request is not valid",
        "The body can be read, but its values cannot be honoured.",
        "Correct the field at each pointer in errors; its detail says what was expected and what was received.";
    TooManyRequests = TOO_MANY_REQUESTS, "/problems/too-many-requests", "Too many requests",
        "The service handles as many requests of this kind as it takes at a time, or the API key has used up its requests a second.",
        "Wait for the seconds in the header Retry-After, and send it again.";
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "/problems/headers-too-large", "The headers are too large",
        "The headers are larger than the limit.",
        "Send fewer or shorter headers, cookies above all.";
    Internal = INTERNAL_SERVER_ERROR, "/problems/internal", "Internal error",
        "The service failed; the request may have been right.",
        "Report the request_id: the log of the service has the reason under it.";
    Unavailable = SERVICE_UNAVAILABLE, "/problems/unavailable", "Not available now",
        "The service cannot answer now: it is starting, ending or overloaded, or its disk cannot be read or written.",
        "Wait for the seconds in the header Retry-After, and send it again.";
    OutOfSpace = INSUFFICIENT_STORAGE, "/problems/out-of-space", "No space is left",
        "The disk of the service is full, or the API key has stored as many bytes as it may.",
        "Delete datasets or models that are no longer needed, or give the service more space.";
}

impl Kind {
    /// The kind of a status, for answers of libraries.
    pub fn of_status(status: StatusCode) -> Self {
        let nearest = if status.is_server_error() { Self::Internal } else { Self::Malformed };
        Self::ALL.iter().copied().find(|kind| kind.status() == status).unwrap_or(nearest)
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    /// Number of all wrong fields, also of those that are not in `errors`.
    wrong_fields: usize,
    retry_after_seconds: Option<u32>,
}

/// Maximum characters of a detail, and of a pointer: they repeat what a client sent.
const MAX_DETAIL: usize = 4000;
const MAX_POINTER: usize = 1000;

/// The body of every error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// The kind of problem: the same for all of its kind.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: &'a str,
    /// The kind in words.
    #[schema(value_type = String)]
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time: what was expected and what was received.
    #[schema(value_type = String)]
    pub detail: &'a str,
    /// Also in the header `x-request-id` and in the log.
    #[schema(value_type = String)]
    pub request_id: &'a str,
    /// The wrong fields of the request; of more than 20 the first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>, required = false)]
    pub errors: &'a [FieldError],
}

impl Problem {
    /// A problem; `detail` has no full stop and says expected and received.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after_seconds = matches!(kind, Kind::Unavailable | Kind::TooManyRequests).then_some(1);
        let detail = shortened(detail.into(), MAX_DETAIL);
        Self { kind, detail, errors: Vec::new(), wrong_fields: 0, retry_after_seconds }
    }

    /// Wrong fields: the first ones, and the count of all.
    pub fn invalid(errors: impl Into<FieldErrors>) -> Self {
        let errors = errors.into();
        let count = errors.count();
        let mut errors = Vec::from(errors);
        for error in &mut errors {
            error.pointer = shortened(std::mem::take(&mut error.pointer).into(), MAX_POINTER).into_owned();
            error.detail = shortened(std::mem::take(&mut error.detail).into(), MAX_DETAIL).into_owned();
        }
        Self::listed(errors, count)
    }

    /// The problem with each of its errors changed.
    #[must_use]
    pub fn map_errors(self, change: impl Fn(FieldError) -> FieldError) -> Self {
        match self.errors.is_empty() {
            true => self,
            false => Self::listed(self.errors.into_iter().map(change).collect(), self.wrong_fields),
        }
    }

    /// The first ones of `count` wrong fields.
    fn listed(errors: Vec<FieldError>, count: usize) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => one.to_string(),
            [first, ..] if count > MAX_LISTED => {
                format!("{count} fields are not valid, of which {MAX_LISTED} are listed; the first is {first}")
            }
            [first, ..] => format!("{count} fields are not valid, the first is {first}"),
            [] => "the request is not valid".to_owned(),
        };
        Self { errors, wrong_fields: count, ..Self::new(Kind::Invalid, detail) }
    }

    /// The same for a document that has the wrong fields below `place`.
    pub fn under(self, place: &str) -> Self {
        match self.errors.is_empty() || place.is_empty() {
            true => self,
            false => {
                let errors = self.errors.into_iter().map(|error| error.under(place)).collect();
                Self::listed(errors, self.wrong_fields)
            }
        }
    }

    /// The same, with the seconds after which to send the request again.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The service's own fault: `cause` is logged and not sent to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error = format!("{cause:#}"), "a request failed");
        Self::new(Kind::Internal, "the service failed; its log has the reason under this request_id")
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The answer to request `request_id`.
    pub fn respond(&self, request_id: &str) -> Response {
        let (kind, title) = self.kind.names();
        let status = self.kind.status();
        let body = ProblemBody {
            kind,
            title,
            status: status.as_u16(),
            detail: &self.detail,
            request_id,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        (status, headers, body).into_response()
    }
}

/// `text`, or its start and its length.
fn shortened(text: Cow<'static, str>, max: usize) -> Cow<'static, str> {
    let cut = match cut_after(&text, max) {
        Cow::Borrowed(_) => None,
        Cow::Owned(cut) => Some(cut),
    };
    cut.map_or(text, Cow::Owned)
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid(vec![error])
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(detail) => Self::new(Kind::NotFound, detail),
            StoreError::Conflict(detail) => Self::new(Kind::Conflict, detail),
            StoreError::KeyReused(_) => Self::new(Kind::Conflict, error.to_string()),
            StoreError::Full => Self::new(Kind::OutOfSpace, error.to_string()),
            StoreError::Gone(_) => Self::new(Kind::Unavailable, error.to_string()),
            StoreError::Inaccessible(..) => {
                tracing::error!(error = error.with_cause(), "a request failed");
                Self::new(Kind::Unavailable, error.to_string())
            }
            // Handlers answer a repeated request themselves, and only workers are fenced.
            StoreError::Repeated(_) | StoreError::Fenced | StoreError::Internal(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_kinds_are_one_to_one() {
        assert!(Kind::ALL.len() >= 14);
        for kind in Kind::ALL {
            assert_eq!(Kind::of_status(kind.status()), *kind);
        }
        assert_eq!(Kind::of_status(StatusCode::IM_A_TEAPOT), Kind::Malformed);
        assert_eq!(Kind::of_status(StatusCode::BAD_GATEWAY), Kind::Internal);
    }

    #[test]
    fn detail_of_one_wrong_field_is_that_field() {
        assert_eq!(Problem::invalid(vec![FieldError::new("/a", "wrong")]).detail, "/a: wrong");
        assert_eq!(Problem::invalid(vec![FieldError::new("", "wrong")]).detail, "wrong");
    }

    #[test]
    fn long_texts_are_cut_and_all_wrong_fields_counted() {
        let long = "x".repeat(1 << 20);
        let errors: Vec<FieldError> = (0..30).map(|_| FieldError::new(format!("/{long}"), long.clone())).collect();
        let problem = Problem::invalid(errors).under("/definition");
        assert!(problem.detail.starts_with("30 fields are not valid, of which 20 are listed"), "{problem}");
        assert!(problem.detail.len() < 5000 && problem.errors.len() == MAX_LISTED);
        assert!(problem.errors.iter().all(|error| error.pointer.starts_with("/definition/xxx")));
        assert!(problem.errors.iter().all(|error| error.pointer.len() < 1100 && error.detail.len() < 4100));
        assert!(Problem::new(Kind::NotFound, long).detail.ends_with("… (1048576 bytes)"));
    }
}
