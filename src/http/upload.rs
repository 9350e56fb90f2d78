//! The bytes of an upload, as they arrive.

use crate::{
    data::read::Format,
    http::{
        body,
        problem::{Kind, Problem},
    },
};
use axum::{
    body::Body,
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures::{Stream, stream};
use hyper::body::Body as _;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Maximum bytes of a form field that is not the file.
const MAX_FIELD_BYTES: usize = 1 << 16;

/// A request's body that is read in one place, and whose rest is thrown away in another where it is refused.
#[derive(Debug, Clone)]
pub struct Incoming {
    body: Arc<Mutex<Body>>,
    headers: Arc<HeaderMap>,
    wait: Duration,
}

impl Incoming {
    /// The body of `request`, of which each part has to arrive within `wait`.
    pub fn new(request: Request, wait: Duration) -> Self {
        let (parts, body) = request.into_parts();
        Self { body: Arc::new(Mutex::new(body)), headers: Arc::new(parts.headers), wait }
    }

    /// Fails where more is announced than `max` bytes.
    pub async fn check_announced(&self, max: u64) -> Result<(), Problem> {
        let announced = self.body.lock().await.size_hint().lower();
        if announced > max { Err(body::too_large(max, &announced.to_string())) } else { Ok(()) }
    }

    /// Fails for a `Content-Encoding` other than `known`.
    pub fn check_encoding(&self, known: &[&str]) -> Result<(), Problem> {
        body::check_encoding(&self.headers, known)
    }

    /// `Content-Type` without its parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(body::media_type_essence(value))
    }

    /// The bytes.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes, Problem>> + Send + use<> {
        stream::unfold(Some(self.clone()), |incoming| async {
            let incoming = incoming?;
            let next = body::next(&mut *incoming.body.lock().await, incoming.wait).await;
            match next {
                Ok(None) => None,
                Ok(Some(chunk)) => Some((Ok(chunk), Some(incoming))),
                Err(problem) => Some((Err(problem), None)),
            }
        })
    }

    /// The parts of a form.
    pub async fn form(&self) -> Result<Multipart, Problem> {
        let mut request = Request::new(Body::from_stream(self.stream()));
        *request.headers_mut() = HeaderMap::clone(&self.headers);
        DefaultBodyLimit::disable().apply(&mut request);
        Multipart::from_request(request, &()).await.map_err(|error| Problem::new(Kind::Malformed, error.body_text()))
    }

    /// Reads the rest of a refused body for a moment.
    pub async fn drain(&self) {
        body::drain(&mut *self.body.lock().await, &self.headers).await;
    }
}

/// The format of a media type.
pub fn format_of(media_type: Option<&str>) -> Result<Format, Problem> {
    media_type.and_then(Format::of_media_type).ok_or_else(|| {
        let received = media_type.map_or("none".to_owned(), |received| format!("{received:?}"));
        let known: Vec<_> = Format::all().filter_map(|format| format.media_types().first().copied()).collect();
        let expected = format!("expected Content-Type {} or multipart/form-data", known.join(", "));
        Problem::new(Kind::UnsupportedMediaType, format!("{expected}, received {received}"))
    })
}

/// The format of a form's file: by its media type, or by its file name.
pub fn format_of_field(field: &Field<'_>) -> Result<Format, Problem> {
    let by_type = format_of(field.content_type().map(body::media_type_essence).as_deref());
    by_type.or_else(|problem| field.file_name().and_then(Format::of_file_name).ok_or(problem))
}

/// The text of a short form field.
pub async fn text_of(mut field: Field<'_>) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(of_form)? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_FIELD_BYTES {
            return Err(Problem::new(
                Kind::TooLarge,
                format!("expected a form field of at most {MAX_FIELD_BYTES} bytes, received more"),
            ));
        }
    }
    String::from_utf8(text).map_err(|_| Problem::new(Kind::Malformed, "expected a form field of UTF-8"))
}

/// What went wrong while a form was read.
pub fn of_form(error: MultipartError) -> Problem {
    broken_off(&error)
}

/// What went wrong while a body was read: the problem that ended it, somewhere among the causes of `error`.
pub fn broken_off(error: &(dyn Error + 'static)) -> Problem {
    let mut cause = Some(error);
    let mut deepest = error;
    while let Some(error) = cause {
        if let Some(problem) = error.downcast_ref::<Problem>() {
            return problem.clone();
        }
        deepest = error;
        cause = error.source();
    }
    Problem::new(Kind::Malformed, format!("the form cannot be read: {deepest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_found_below_what_wraps_it() {
        let problem = Problem::new(Kind::RequestTimeout, "too slow");
        let wrapped = axum::Error::new(axum::Error::new(problem));
        assert_eq!(broken_off(&wrapped).kind(), Kind::RequestTimeout);
        assert_eq!(broken_off(&std::io::Error::other("?")).kind(), Kind::Malformed);
    }

    #[test]
    fn an_unknown_media_type_is_answered_with_the_known_ones() {
        assert_eq!(format_of(Some("text/csv")).unwrap(), Format::named("csv").unwrap());
        let refused = format!("{:?}", format_of(Some("image/png")).unwrap_err());
        assert!(refused.contains("image/png"), "{refused}");
        for format in Format::all() {
            assert!(refused.contains(format.media_types()[0]), "{refused}");
        }
    }
}
