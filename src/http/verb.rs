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
    Missing(&'static str, Problem),
}

/// Checks that the path ends with `:verb`, and leaves it out of the names that [`crate::http::path`] reads.
///
/// `allowed` are the methods that the resource itself knows.
pub fn expect(verb: &str, allowed: &'static str, parts: &mut Parts) -> Result<(), NoVerb> {
    let path = parts.uri.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    // Some clients escape the colon.
    match last.split_once(':').or_else(|| last.split_once("%3A")).or_else(|| last.split_once("%3a")) {
        Some((_, received)) if received == verb => {
            parts.extensions.insert(HasVerb);
            Ok(())
        }
        Some(_) => Err(NoVerb::Unknown(Problem::new(
            Kind::NotFound,
            format!("no route {path}: the only verb here is `:{verb}`"),
        ))),
        None => {
            let detail = format!("POST is not allowed on {path}; did you mean {path}:{verb}?");
            Err(NoVerb::Missing(allowed, Problem::new(Kind::MethodNotAllowed, detail)))
        }
    }
}

impl IntoResponse for NoVerb {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown(problem) => problem.into_response(),
            Self::Missing(allowed, problem) => ([(header::ALLOW, allowed)], problem).into_response(),
        }
    }
}
