//! Every error that leaves the service: `application/problem+json` (RFC 9457).
//!
//! Handlers return a [`Problem`]; it travels in the response's extensions to the [`crate::http::door`], which adds the
//! request's id and writes the body. So a problem looks the same wherever it arose.

use crate::{engine::field::FieldError, store::StoreError};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, by kind: each has its status, its `type` and its `title`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body is not what its content type says, or a header or a query parameter cannot be read.
    Malformed,
    /// Nothing is there.
    NotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// None of the media types that the client accepts can be served.
    NotAcceptable,
    /// The client took too long to send its request.
    RequestTimeout,
    /// It clashes with what is there.
    Conflict,
    /// The body is larger than a limit.
    TooLarge,
    /// The content type is not one that the route takes.
    UnsupportedMediaType,
    /// The body can be read, but not honoured; `errors` says where.
    Invalid,
    /// More requests of this kind than the service takes at a time.
    TooManyRequests,
    /// The headers are larger than a limit.
    HeadersTooLarge,
    /// The service's own fault; the log has more under the request's id.
    Internal,
    /// Not now.
    Unavailable,
    /// The disk is full.
    OutOfSpace,
}

impl Kind {
    /// Every kind, by status.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unavailable,
        Self::OutOfSpace,
    ];

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::OutOfSpace => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// `type` and `title`: for programs and for people, the same for every problem of the kind.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed => ("/problems/malformed", "The request cannot be read"),
            Self::NotFound => ("/problems/not-found", "Not found"),
            Self::MethodNotAllowed => ("/problems/method-not-allowed", "The method is not allowed here"),
            Self::NotAcceptable => ("/problems/not-acceptable", "No acceptable media type"),
            Self::RequestTimeout => ("/problems/request-timeout", "The request took too long to arrive"),
            Self::Conflict => ("/problems/conflict", "Conflict"),
            Self::TooLarge => ("/problems/too-large", "The body is too large"),
            Self::UnsupportedMediaType => ("/problems/unsupported-media-type", "The content type is not supported"),
            Self::Invalid => ("/problems/invalid", "The request is not valid"),
            Self::TooManyRequests => ("/problems/too-many-requests", "Too many requests"),
            Self::HeadersTooLarge => ("/problems/headers-too-large", "The headers are too large"),
            Self::Internal => ("/problems/internal", "Internal error"),
            Self::Unavailable => ("/problems/unavailable", "Not available now"),
            Self::OutOfSpace => ("/problems/out-of-space", "No space is left"),
        }
    }

    /// What it means, and what a client can do.
    pub fn explanation(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed => (
                "The body, a header or a query parameter cannot be read.",
                "Compare the request with /docs; the detail says which part could not be read.",
            ),
            Self::NotFound => (
                "No route, or no resource with this name or id, is at this path.",
                "Check the path and the name; the lists under /v1 show what is there.",
            ),
            Self::MethodNotAllowed => {
                ("The path exists, but not with this method.", "Use one of the methods in the header Allow.")
            }
            Self::NotAcceptable => (
                "The answer has none of the media types that the header Accept names.",
                "Send Accept with a media type that the detail names, or leave it out.",
            ),
            Self::RequestTimeout => {
                ("The request did not arrive in time.", "Send it again, over a faster connection or in smaller parts.")
            }
            Self::Conflict => (
                "The request does not fit the present state: a name is taken, a resource is in use, or an Idempotency-Key \
                 came with another body.",
                "Read the state of the resource, and choose another name, key or time.",
            ),
            Self::TooLarge => (
                "The body is larger than the limit.",
                "Send less, or raise the limit of the service; /v1/server shows the limits.",
            ),
            Self::UnsupportedMediaType => (
                "The route does not take a body of this Content-Type.",
                "Send one of the media types that the detail names.",
            ),
            Self::Invalid => (
                "The body can be read, but its values cannot be honoured.",
                "Correct the field at each pointer in errors; its detail says what was expected and what was received.",
            ),
            Self::TooManyRequests => (
                "The service handles as many requests of this kind as it takes at a time.",
                "Wait for the seconds in the header Retry-After, and send it again.",
            ),
            Self::HeadersTooLarge => {
                ("The headers are larger than the limit.", "Send fewer or shorter headers, cookies above all.")
            }
            Self::Internal => (
                "The service failed; the request may have been right.",
                "Report the request_id: the log of the service has the reason under it.",
            ),
            Self::Unavailable => (
                "The service cannot answer now: it is starting, ending or overloaded.",
                "Wait for the seconds in the header Retry-After, and send it again.",
            ),
            Self::OutOfSpace => (
                "The disk of the service is full.",
                "Delete datasets or models that are no longer needed, or give the service more space.",
            ),
        }
    }

    /// The kind that an answer's status belongs to, for answers that something below the handlers gave.
    pub fn of_status(status: StatusCode) -> Self {
        let nearest = if status.is_server_error() { Self::Internal } else { Self::Malformed };
        Self::ALL.into_iter().find(|kind| kind.status() == status).unwrap_or(nearest)
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_seconds: Option<u32>,
}

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
    /// Every wrong field of the request.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>, required = false)]
    pub errors: &'a [FieldError],
}

impl Problem {
    /// A problem; `detail` has no full stop and says expected and received.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after_seconds = matches!(kind, Kind::Unavailable | Kind::TooManyRequests).then_some(1);
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after_seconds }
    }

    /// Wrong fields, all that were found.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => one.to_string(),
            [first, ..] => format!("{} fields are not valid, the first is {first}", errors.len()),
            [] => "the request is not valid".to_owned(),
        };
        Self { errors, ..Self::new(Kind::Invalid, detail) }
    }

    /// The service's own fault: `cause` is logged, the client is told no more than that.
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
            // Handlers answer a repeated request themselves, and nobody but a worker is fenced.
            StoreError::Repeated(_) | StoreError::Fenced | StoreError::Internal(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_kinds_are_one_to_one() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_status(kind.status()), kind);
        }
        assert_eq!(Kind::of_status(StatusCode::IM_A_TEAPOT), Kind::Malformed);
        assert_eq!(Kind::of_status(StatusCode::BAD_GATEWAY), Kind::Internal);
    }

    #[test]
    fn detail_of_one_wrong_field_is_that_field() {
        assert_eq!(Problem::invalid(vec![FieldError::new("/a", "wrong")]).detail, "/a: wrong");
        assert_eq!(Problem::invalid(vec![FieldError::new("", "wrong")]).detail, "wrong");
    }
}
