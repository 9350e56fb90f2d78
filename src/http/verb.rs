//! Verbs after a colon, as TensorFlow Serving has them: `POST /v1/models/iris:predict`.
//!
//! The router knows no parameter with a suffix, so it takes `iris:predict` for the model's name; the verb is looked at here.

use crate::http::{
    path::HasVerb,
    problem::{Kind, Problem},
};
use axum::http::{header, request::Parts};
use axum::response::{IntoResponse, Response};

/// A resource was asked to do what it cannot.
#[derive(Debug)]
pub enum NoVerb {
    /// There is no such verb.
    Unknown(Problem),
    /// There is no verb at all, and the resource itself knows other methods.
    Missing(Problem),
}

/// Checks that the path ends with `:verb`, and leaves it out of the names that [`crate::http::path`] reads.
pub fn expect(verb: &str, parts: &mut Parts) -> Result<(), NoVerb> {
    let path = parts.uri.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        Some((_, received)) if received == verb => {
            parts.extensions.insert(HasVerb);
            Ok(())
        }
        Some(_) => Err(NoVerb::Unknown(Problem::new(
            Kind::NotFound,
            format!("no route {path}: the only verb here is `:{verb}`"),
        ))),
        None => Err(NoVerb::Missing(Problem::new(
            Kind::MethodNotAllowed,
            format!("POST is not allowed on {path}; did you mean {path}:{verb}?"),
        ))),
    }
}

impl IntoResponse for NoVerb {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown(problem) => problem.into_response(),
            Self::Missing(problem) => ([(header::ALLOW, "GET,HEAD,DELETE")], problem).into_response(),
        }
    }
}
