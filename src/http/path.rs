//! Names and ids in paths.

use crate::{
    engine::field::FieldError,
    http::{
        cut::cut,
        problem::{Kind, Problem},
    },
};
use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use uuid::Uuid;

/// Maximum length of a name.
const MAX_NAME: usize = 64;

/// Whether `text` is a name: 1 to 64 letters, digits and `_.-`, the first a letter or a digit.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() <= MAX_NAME
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Why a text is not a name.
fn not_a_name(text: &str) -> String {
    format!("expected 1 to 64 letters, digits and `_.-`, the first a letter or digit, received {:?}", cut(text))
}

/// Checks a new name; `pointer` is where it was given.
pub fn check_name(name: &str, pointer: &str) -> Result<(), FieldError> {
    if !is_name(name) {
        Err(FieldError::new(pointer, not_a_name(name)))
    } else if Uuid::try_parse(name).is_ok() {
        Err(FieldError::new(pointer, format!("expected a name that is not a UUID, received {name:?}")))
    } else {
        Ok(())
    }
}

/// The first name or id in a path (`/v1/models/{model}/…`), without the verb after a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub String);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        segment(parts, 0).await.map(Self)
    }
}

/// The first name or id in a path and the number after it (`/v1/models/{model}/versions/{version}`), without the verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAndVersion(pub String, pub u64);

impl<S: Sync> FromRequestParts<S> for KeyAndVersion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let key = segment(parts, 0).await?;
        let version = segment(parts, 1).await?;
        // Only the digits that the service itself would print: `+1` and `01` are other paths.
        match version.parse::<u64>() {
            Ok(number) if number.to_string() == version => Ok(Self(key, number)),
            _ => {
                let detail = format!("no version {:?} of {key:?}: versions count 1, 2, 3 and so on", cut(&version));
                Err(Problem::new(Kind::NotFound, detail))
            }
        }
    }
}

/// The file of the documentation in a path (`/docs/{file}`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(pub String);

impl<S: Sync> FromRequestParts<S> for FileName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        segment(parts, 0).await.map(Self)
    }
}

/// The id in a path (`/v1/jobs/{job}/…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub Uuid);

impl<S: Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = segment(parts, 0).await?;
        let id = Uuid::try_parse(&text)
            .map_err(|_| Problem::new(Kind::NotFound, format!("no job {:?}: expected the id of a job", cut(&text))))?;
        Ok(Self(id))
    }
}

/// Says, in a request's extensions, that the path ends with a verb after a colon ([`crate::http::verb`]).
#[derive(Debug, Clone, Copy)]
pub struct HasVerb;

/// Segment `index` of the path's parameters; 404 where it cannot be a name.
async fn segment(parts: &mut Parts, index: usize) -> Result<String, Problem> {
    let unreadable = |_| Problem::new(Kind::Malformed, "expected a path of percent-encoded UTF-8");
    let params = parts.extract::<RawPathParams>().await.map_err(unreadable)?;
    let text = params.iter().nth(index).map(|(_, value)| value).unwrap_or_default();
    let text = match parts.extensions.get::<HasVerb>() {
        Some(HasVerb) => text.split(':').next().unwrap_or_default(),
        None => text,
    };
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err(Problem::new(Kind::NotFound, format!("no resource is named {:?}: {}", cut(text), not_a_name(text))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "9", "iris-mlp", "A_b.c-1", &"x".repeat(64)] {
            assert!(check_name(good, "").is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../a", "a/b", "a b", "a\0", "-a", "_a", "ä", "\"a\"", "a:b", &"x".repeat(65)] {
            let error = check_name(bad, "/name").unwrap_err();
            assert!(error.detail.contains("64 letters"), "{error}");
            assert!(error.detail.len() < 400, "{error}");
        }
        assert!(check_name("0196f0c2-7a53-7cc0-8000-000000000000", "/name").unwrap_err().detail.contains("UUID"));
    }
}
