//! The bytes of an upload, as they arrive.

use crate::{
    data::read::Format,
    http::{
        body,
        multipart::{Form, Head},
        pace::Pace,
        problem::{Kind, Problem},
    },
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures::{Stream, stream};
use hyper::body::Body as _;
use std::{error::Error, sync::Arc};
use tokio::sync::Mutex;

/// A request's body that is read in one place, and whose rest is thrown away in another where it is refused.
#[derive(Debug, Clone)]
pub struct Incoming {
    arriving: Arc<Mutex<(Body, Pace)>>,
    headers: Arc<HeaderMap>,
}

impl Incoming {
    /// The body of `request`, which has to arrive at a pace.
    pub fn new(request: Request, pace: Pace) -> Self {
        let (parts, body) = request.into_parts();
        Self { arriving: Arc::new(Mutex::new((body, pace))), headers: Arc::new(parts.headers) }
    }

    /// The announced length, if there is one; fails where that is more than `max` bytes.
    pub async fn check_announced(&self, max: u64) -> Result<Option<u64>, Problem> {
        let hint = self.arriving.lock().await.0.size_hint();
        let announced = hint.lower();
        if announced > max { Err(body::too_large(max, &announced.to_string())) } else { Ok(hint.exact()) }
    }

    /// Fails for an unknown `Content-Encoding`.
    pub fn check_encoding(&self) -> Result<(), Problem> {
        body::compression(&self.headers).map(|_| ())
    }

    /// `Content-Type` without its parameters.
    pub fn media_type(&self) -> Option<String> {
        self.content_type().map(body::media_type_essence)
    }

    /// `Content-Type` with its parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE)?.to_str().ok()
    }

    /// The bytes.
    pub fn stream(&self) -> impl Stream<Item = Result<Bytes, Problem>> + Send + use<> {
        stream::unfold(Some(self.clone()), |incoming| async {
            let incoming = incoming?;
            let mut arriving = incoming.arriving.lock().await;
            let (body, pace) = &mut *arriving;
            let next = body::next(body, pace).await;
            drop(arriving);
            match next {
                Ok(None) => None,
                Ok(Some(chunk)) => Some((Ok(chunk), Some(incoming))),
                Err(problem) => Some((Err(problem), None)),
            }
        })
    }

    /// The parts of a form.
    pub fn form(&self) -> Result<Form, Problem> {
        Form::new(self.content_type().unwrap_or_default(), self.stream())
    }

    /// Reads the rest of a refused body for a moment.
    pub async fn drain(&self) {
        body::drain(&mut self.arriving.lock().await.0, &self.headers).await;
    }
}

/// The format of a media type.
pub fn format_of(media_type: Option<&str>) -> Result<Format, Problem> {
    media_type.and_then(Format::of_media_type).ok_or_else(|| {
        let received = media_type.map_or("none".to_owned(), |received| format!("{received:?}"));
        let known: Vec<_> = Format::all().filter_map(|format| format.media_types().first().copied()).collect();
        let expected = format!("expected Content-Type {} or multipart/form-data", known.join(", "));
        let hint = match media_type {
            Some("application/x-www-form-urlencoded") => {
                "; curl's `-d` sends it and removes line ends: use `--data-binary @file -H 'Content-Type: text/csv'`"
            }
            Some("application/gzip" | "application/x-gzip" | "application/zstd" | "application/octet-stream") => {
                "; name the format of the table, or send the option `format`"
            }
            Some(media_type) if media_type.contains("spreadsheet") || media_type.contains("excel") => {
                "; save the sheet of a workbook as CSV"
            }
            Some(media_type) if media_type.starts_with("text/") => {
                "; text with separated cells is text/csv, or send the option `format=csv`"
            }
            _ => "",
        };
        Problem::new(Kind::UnsupportedMediaType, format!("{expected}, received {received}{hint}"))
    })
}

/// The format of a form's file: by its media type, or by its file name.
pub fn format_of_part(part: &Head) -> Result<Format, Problem> {
    let by_type = format_of(part.content_type.as_deref().map(body::media_type_essence).as_deref());
    by_type.or_else(|problem| {
        let name = part.file_name.as_deref().unwrap_or_default();
        Format::of_file_name(name).ok_or_else(|| if is_workbook(name) { workbook() } else { problem })
    })
}

fn is_workbook(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".xlsx", ".xls", ".xlsm", ".ods"].into_iter().any(|extension| name.ends_with(extension))
}

fn workbook() -> Problem {
    let detail = "expected CSV, TSV, JSON, NDJSON or Parquet, received a workbook; save its sheet as CSV";
    Problem::new(Kind::UnsupportedMediaType, detail)
}

/// What went wrong while a body was read: the problem that ended it, somewhere among the causes of `error`.
pub fn broken_off(error: &(dyn Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(problem) = error.downcast_ref::<Problem>() {
            return problem.clone();
        }
        cause = error.source();
    }
    tracing::debug!(%error, "an upload broke off");
    Problem::new(Kind::Malformed, "expected the whole body, received a part of it")
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
        for (media_type, hint) in [
            ("image/png", "image/png"),
            ("text/plain", "format=csv"),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "save the sheet"),
        ] {
            let refused = format!("{:?}", format_of(Some(media_type)).unwrap_err());
            assert!(refused.contains(hint), "{refused}");
            for format in Format::all() {
                assert!(refused.contains(format.media_types()[0]), "{refused}");
            }
        }
        assert_eq!((is_workbook("a.XLSX"), is_workbook("xlsx.csv")), (true, false));
    }
}
