//! `Idempotency-Key`: a request that is sent twice creates one resource, and gets the same answer.

use crate::{
    http::problem::{Kind, Problem},
    store::{Receipt, Store, StoreError, artifacts::hexadecimal},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

/// Maximum length of a key.
const MAX_LENGTH: usize = 255;

/// The request's header.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Set on a repeated answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The request's key, where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(Option<String>);

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]([ -~]{0,253}[!-~])?$"));
        let description =
            "A repeated request with the same key and body gets the first answer; another body is a conflict";
        let parameter = ParameterBuilder::new()
            .name(HEADER.as_str())
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

impl IdempotencyKey {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(Self(None)) };
        match value.to_str() {
            Ok(key) if (1..=MAX_LENGTH).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => {
                let expected = format!("expected an Idempotency-Key of 1 to {MAX_LENGTH} printable ASCII characters");
                Err(Problem::new(Kind::Malformed, format!("{expected}, received {} bytes", value.len())))
            }
        }
    }

    /// Whether the request has one.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// The answer of an earlier request with this key and the same `fingerprint` on `route`.
    pub async fn earlier(
        &self,
        store: &dyn Store,
        route: &str,
        fingerprint: &str,
    ) -> Result<Option<Response>, Problem> {
        let Some(key) = &self.0 else { return Ok(None) };
        Ok(store.receipt(key, route, fingerprint).await?.map(replay))
    }

    /// What is kept beside what the request created.
    pub fn receipt(&self, route: &str, fingerprint: String, created: &Created) -> Option<Receipt> {
        self.0.as_ref().map(|key| Receipt {
            key: key.clone(),
            route: route.to_owned(),
            fingerprint,
            status: created.status.as_u16(),
            location: created.location.clone(),
            body: created.body.clone(),
        })
    }
}

/// SHA-256 of what determines a request, each part with its length.
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hexadecimal(&hasher.finalize())
}

/// The answer of a request that created something.
#[derive(Debug, Clone)]
pub struct Created {
    status: StatusCode,
    location: String,
    body: String,
}

impl Created {
    /// `entity` was created and has its place at `location`.
    pub fn new(status: StatusCode, location: String, entity: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(entity).map_err(Problem::internal)?;
        Ok(Self { status, location, body })
    }

    /// This answer where the store has `done` it, the first answer where an earlier request had.
    pub fn answer(self, done: Result<(), StoreError>) -> Result<Response, Problem> {
        match done {
            Ok(()) => Ok(self.into_response()),
            Err(StoreError::Repeated(receipt)) => Ok(replay(*receipt)),
            Err(error) => Err(error.into()),
        }
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(location) = self.location.try_into() {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

fn replay(receipt: Receipt) -> Response {
    let status = StatusCode::from_u16(receipt.status).unwrap_or(StatusCode::OK);
    let mut response = Created { status, location: receipt.location, body: receipt.body }.into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_fingerprint_do_not_run_together() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_eq!(fingerprint(&[b"a"]).len(), 64);
    }

    #[test]
    fn keys_have_a_length() {
        let of = |key: &str| IdempotencyKey::of(&HeaderMap::from_iter([(HEADER, HeaderValue::from_str(key).unwrap())]));
        assert!(of("a key").unwrap().is_given());
        assert!(!IdempotencyKey::of(&HeaderMap::new()).unwrap().is_given());
        assert!(of("").is_err());
        assert!(of(&"k".repeat(256)).is_err());
    }
}
