//! Query parameters.

use crate::{
    engine::field::{FieldError, did_you_mean},
    http::problem::{Kind, Problem},
    store::{Listed, Page},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

/// Query parameters as `T`; what cannot be read is a 400 that says which and why.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts).map(Self).map_err(|detail| Problem::new(Kind::Malformed, detail))
    }
}

/// Query parameters that may be in the body instead; what cannot be read is a 422, as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Settings<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Settings<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts).map(Self).map_err(|detail| Problem::invalid(vec![FieldError::new("", detail)]))
    }
}

fn parse<T: DeserializeOwned>(parts: &Parts) -> Result<T, String> {
    axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| query.0).map_err(|error| {
        use std::error::Error;
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let cause = cause.replace("provided string was not `true` or `false`", "expected true or false");
        format!("in the query: {}", with_nearest(&cause))
    })
}

/// serde lists the known names after an unknown one; a reader needs the nearest.
fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let received = quoted.next().unwrap_or_default();
    match message.contains("unknown") {
        true => message.to_owned() + &did_you_mean(received, quoted),
        false => message.to_owned(),
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Maximum number of entries
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20)]
    pub limit: Limit,
    /// Cursor: `next` of the previous page
    #[param(value_type = Option<Uuid>)]
    pub after: Option<Cursor>,
}

impl Paging {
    /// As the store takes it.
    pub fn page(&self) -> Page {
        Page { limit: self.limit.0, after: self.after.map(|cursor| cursor.0) }
    }
}

/// Maximum number of entries of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Limit(pub u32);

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(format!("expected `limit` to be 1 to 100, received {text:?}")),
        }
    }
}

/// `next` of the previous page of a list whose entries have ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor(pub Uuid);

impl TryFrom<String> for Cursor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let id = Uuid::try_parse(&text);
        id.map(Self).map_err(|_| format!("expected `after` to be the `next` of a page, a UUID, received {text:?}"))
    }
}

/// The number of an event or a version, after which a list starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Position(pub u64);

impl TryFrom<String> for Position {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse::<i64>() {
            Ok(number @ 0..) => Ok(Self(number.unsigned_abs())),
            _ => Err(format!("expected `after` to be a number from 0 to {}, received {text:?}", i64::MAX)),
        }
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Cursor: `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl<T> From<Listed<T>> for List<T> {
    fn from(listed: Listed<T>) -> Self {
        Self { data: listed.data, next: listed.next.map(|id| id.to_string()) }
    }
}
