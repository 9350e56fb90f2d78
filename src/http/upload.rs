//! The bytes of an upload, as they arrive.

use crate::{
    data::schema::Format,
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
const FIELD_BYTES: usize = 1 << 10;

/// What a dataset's file may be announced as.
const MEDIA_TYPES: &[(&str, Format)] = &[
    ("text/csv", Format::Csv),
    ("application/csv", Format::Csv),
    ("application/json", Format::Json),
    ("application/x-ndjson", Format::Ndjson),
    ("application/ndjson", Format::Ndjson),
    ("application/jsonl", Format::Ndjson),
    ("application/x-jsonlines", Format::Ndjson),
];

/// Where a form's file has no type that says enough, its name may.
const EXTENSIONS: &[(&str, Format)] =
    &[("csv", Format::Csv), ("json", Format::Json), ("ndjson", Format::Ndjson), ("jsonl", Format::Ndjson)];

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

/// The format that a media type stands for.
pub fn format_of(media_type: Option<&str>) -> Result<Format, Problem> {
    let found = MEDIA_TYPES.iter().find(|(known, _)| Some(*known) == media_type);
    found.map(|(_, format)| *format).ok_or_else(|| {
        let received = media_type.map_or("none".to_owned(), |received| format!("{received:?}"));
        let expected = "expected Content-Type text/csv, application/json, application/x-ndjson or multipart/form-data";
        Problem::new(Kind::UnsupportedMediaType, format!("{expected}, received {received}"))
    })
}

/// The format of a form's file: by its own type, or by the end of its name.
pub fn format_of_field(field: &Field<'_>) -> Result<Format, Problem> {
    let by_type = format_of(field.content_type().map(body::media_type_essence).as_deref());
    let extension = field.file_name().and_then(|name| name.rsplit_once('.')).map(|(_, end)| end.to_ascii_lowercase());
    let by_name = EXTENSIONS.iter().find(|(known, _)| Some(*known) == extension.as_deref());
    by_type.or_else(|problem| by_name.map(|(_, format)| *format).ok_or(problem))
}

/// The text of a short form field.
pub async fn text_of(mut field: Field<'_>) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(of_form)? {
        text.extend_from_slice(&chunk);
        if text.len() > FIELD_BYTES {
            return Err(Problem::new(
                Kind::TooLarge,
                format!("expected a form field of at most {FIELD_BYTES} bytes, received more"),
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
    fn media_types_have_formats() {
        assert_eq!(format_of(Some("text/csv")).unwrap(), Format::Csv);
        let refused = format!("{:?}", format_of(Some("image/png")).unwrap_err());
        assert!(refused.contains("text/csv") && refused.contains("image/png"), "{refused}");
    }
}
