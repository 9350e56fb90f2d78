//! Verbs after a colon, as TensorFlow Serving has them: `POST /v1/models/iris:predict`.
//!
//! The router cannot match a suffix, so it takes `iris:predict` for the model's name; the verb is checked here.
//! A path without a verb is answered by [`crate::http::methods`].

use crate::http::{
    cut::cut,
    methods,
    path::HasVerb,
    problem::{Kind, Problem},
};
use axum::http::request::Parts;

/// Checks that the path ends with `:verb`, and leaves it out of the names that [`crate::http::path`] reads.
pub fn expect(verb: &str, parts: &mut Parts) -> Result<(), Problem> {
    let path = parts.uri.path();
    if methods::verb(path) == Some(verb) {
        parts.extensions.insert(HasVerb);
        return Ok(());
    }
    Err(Problem::new(Kind::NotFound, format!("no route {}: the only verb here is `:{verb}`", cut(path))))
}
