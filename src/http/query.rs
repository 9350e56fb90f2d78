//! Query parameters.

use crate::{
    engine::{
        document::Document,
        field::{self, FieldError},
    },
    http::problem::{Kind, Problem},
    store::{Listed, Page},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// Query parameters as `T`; what cannot be read is a 400 that says which and why.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts).map(Self).map_err(|FieldError { pointer, detail }| {
            let name = pointer.split('/').nth(1).map(|name| format!("{name}: ")).unwrap_or_default();
            Problem::new(Kind::Malformed, format!("in the query: {name}{detail}"))
        })
    }
}

/// Query parameters that may be in the body instead; what cannot be read is a 422, as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Settings<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Settings<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts).map(Self).map_err(|error| Problem::invalid(vec![error]))
    }
}

fn parse<T: DeserializeOwned>(parts: &Parts) -> Result<T, FieldError> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        if parameters.insert(name.to_string(), Value::from(&*value)).is_some() {
            let pointer = format!("/{}", field::escape(&name));
            return Err(FieldError::new(pointer, "expected the parameter once, received it twice"));
        }
    }
    field::parse_document(Document::of_query(&Value::Object(parameters)))
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
            _ => Err(format!("expected 1 to 100, received {text:?}")),
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
        id.map(Self).map_err(|_| format!("expected the `next` of a page, a UUID, received {text:?}"))
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
            _ => Err(format!("expected a number from 0 to {}, received {text:?}", i64::MAX)),
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
