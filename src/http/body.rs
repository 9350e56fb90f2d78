//! JSON bodies: read within limits, parsed with positions, typed with pointers.

use crate::{
    data::read::compression::{Compression, InflateError, inflate},
    data::strict::{self, StrictError},
    engine::field::MAX_LISTED,
    http::{
        App,
        fields::read_fields,
        pace::Pace,
        problem::{Kind, Problem},
        turns::in_turn,
    },
    memory::{Memory, Refusal, Reservation},
};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Bodies from this size on are parsed on a blocking thread.
const LARGE: usize = 256 << 10;

/// How long the rest of a refused body is read and thrown away. A client that still writes when the connection closes
/// sees a reset, and not why it was refused.
const DRAIN: Duration = Duration::from_secs(2);

/// How long a request waits for memory before it is asked to come again.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A JSON body as `T`, and the bytes it came in.
#[derive(Debug)]
pub struct Json<T> {
    /// What it says.
    pub value: T,
    /// How it was written.
    pub bytes: Bytes,
    /// The memory of both, until the request is answered.
    pub memory: Reservation,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let Raw { bytes, mut memory } = read_json(request, app).await?;
        memory.grow(strict::memory_of(bytes.len()), PATIENCE).await?;
        let (value, memory) = typed(&bytes, memory).await?;
        Ok(Self { value, bytes, memory })
    }
}

/// A body as it came.
#[derive(Debug)]
pub struct Raw {
    /// Its bytes.
    pub bytes: Bytes,
    /// Their memory.
    pub memory: Reservation,
}

/// The bytes of a JSON body; fails where it is announced as something else, where it is too large, where it does not arrive in time, or
/// where there is no memory for it.
pub async fn read_json(request: Request, app: &App) -> Result<Raw, Problem> {
    let (parts, mut body) = request.into_parts();
    let checked = check_content_type(&parts.headers).and_then(|()| compression(&parts.headers));
    let compression = match checked {
        Ok(compression) => compression,
        Err(problem) => {
            drain(&mut body, &parts.headers).await;
            return Err(problem);
        }
    };
    let max = app.config.limits.max_body_bytes;
    let Raw { bytes, mut memory } = read(body, &parts.headers, max, app.body_pace(), &app.memory).await?;
    let Some(compression) = compression else { return Ok(Raw { bytes, memory }) };
    memory.grow(max as u64, PATIENCE).await?;
    // Held by the work, which goes on where the client has gone.
    match in_turn(move || (inflate(compression, &bytes, max), memory)).await? {
        (Ok(inflated), mut memory) => {
            memory.shrink_to(inflated.len() as u64);
            Ok(Raw { bytes: inflated.into(), memory })
        }
        (Err(InflateError::TooLarge), _) => Err(too_large(max as u64, "more when inflated")),
        (Err(InflateError::Invalid(detail)), _) => Err(Problem::new(Kind::Malformed, detail)),
    }
}

/// What `bytes` say; large ones are read on a blocking thread, which holds their memory also where the client has gone.
async fn typed<T: DeserializeOwned + Send + 'static>(
    bytes: &Bytes,
    memory: Reservation,
) -> Result<(T, Reservation), Problem> {
    // Each error after the first one costs a reading of the whole body.
    let max = if bytes.len() < LARGE { MAX_LISTED } else { 1 };
    let read = move |bytes: &Bytes| -> Result<T, Problem> { Ok(read_fields(strict::parse(bytes)?, max)?) };
    if bytes.len() < LARGE {
        return Ok((read(bytes)?, memory));
    }
    let bytes = bytes.clone();
    let read = move || read(&bytes).map(|value| (value, memory));
    in_turn(read).await?
}

impl From<StrictError> for Problem {
    fn from(error: StrictError) -> Self {
        let kind = match error {
            StrictError::Malformed(_) => Kind::Malformed,
            StrictError::TooMany => Kind::TooLarge,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::TooLarge { .. } => Kind::TooLarge,
            Refusal::Busy { .. } => Kind::Unavailable,
        };
        Self::new(kind, refusal.to_string())
    }
}

/// A media type without its parameters, in lower case.
pub fn media_type_essence(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let received = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("something unreadable"));
    let essence = received.map(media_type_essence).unwrap_or_default();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    let received = received.map_or("none".to_owned(), |received| format!("{received:?}"));
    Err(Problem::new(
        Kind::UnsupportedMediaType,
        format!("expected Content-Type application/json, received {received}"),
    ))
}

/// The compression that `Content-Encoding` names; fails for an unknown one, and for several.
pub fn compression(headers: &HeaderMap) -> Result<Option<Compression>, Problem> {
    let mut found = None;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let received = value.to_str().unwrap_or("something unreadable").trim().to_ascii_lowercase();
        if received.is_empty() || received == "identity" {
            continue;
        }
        match Compression::of_coding(&received) {
            Some(compression) if found.is_none() => found = Some(compression),
            _ => {
                let detail = format!("expected Content-Encoding gzip or zstd, received {received:?}");
                return Err(Problem::new(Kind::UnsupportedMediaType, detail));
            }
        }
    }
    Ok(found)
}

async fn read(
    mut body: Body,
    headers: &HeaderMap,
    max: usize,
    mut pace: Pace,
    memory: &Memory,
) -> Result<Raw, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        drain(&mut body, headers).await;
        return Err(too_large(max as u64, &announced.to_string()));
    }
    let mut memory = memory.reserve(announced as u64, PATIENCE).await?;
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(chunk) = next(&mut body, &mut pace).await? {
        let received = first.len() + more.len() + chunk.len();
        if received > max {
            drain(&mut body, headers).await;
            return Err(too_large(max as u64, "more"));
        }
        if received as u64 > memory.bytes() {
            // A body of unknown length: the buffer doubles where it is full.
            memory.grow(received as u64, PATIENCE).await?;
        }
        // Nearly every body is one chunk, which then is not copied.
        if first.is_empty() && more.is_empty() {
            first = chunk;
        } else {
            more.extend_from_slice(&std::mem::take(&mut first));
            more.extend_from_slice(&chunk);
        }
    }
    Ok(Raw { bytes: if more.is_empty() { first } else { more.freeze() }, memory })
}

/// The next data of a body, none at its end; fails where the client is slower than `pace`.
pub async fn next(body: &mut Body, pace: &mut Pace) -> Result<Option<Bytes>, Problem> {
    loop {
        let asked = Instant::now();
        match tokio::time::timeout(pace.left(), body.frame()).await {
            Err(_) => return Err(Problem::new(Kind::RequestTimeout, pace.expected())),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a body broke off");
                let detail = "expected a body as long as its Content-Length, or chunks as HTTP/1.1 has them, received other ones";
                return Err(Problem::new(Kind::Malformed, detail));
            }
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    pace.passed(data.len(), asked.elapsed());
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Reads the rest of a refused body for a moment. A client that waits for `100 Continue` has not begun to send it.
pub async fn drain(body: &mut Body, headers: &HeaderMap) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(DRAIN, rest).await;
}

/// A body over the limit of `max` bytes.
pub fn too_large(max: u64, received: &str) -> Problem {
    Problem::new(Kind::TooLarge, format!("expected a body of at most {max} bytes, received {received}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of_type(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())])
    }

    #[test]
    fn json_goes_by_several_names() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
            assert!(check_content_type(&of_type(good)).is_ok(), "{good}");
        }
        for bad in ["text/plain", "application/jsonx", "", "json", "application/x-www-form-urlencoded"] {
            assert!(check_content_type(&of_type(bad)).is_err(), "{bad}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn chunks_are_joined_and_counted() {
        let chunked = || Body::from_stream(futures::stream::iter(["ab", "", "cd", "e"].map(Ok::<_, std::io::Error>)));
        let headers = HeaderMap::new();
        let memory = Memory::new(100);
        let read = |max| read(chunked(), &headers, max, Pace::new(Duration::from_secs(5), 1), &memory);
        assert_eq!(read(5).await.unwrap().bytes, "abcde");
        assert_eq!(read(4).await.unwrap_err().kind(), Kind::TooLarge);
        assert_eq!(memory.reserved(), 0);
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_a_timeout() {
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let error = read(body, &HeaderMap::new(), 10, Pace::new(Duration::from_millis(10), 1), &Memory::new(100))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::RequestTimeout);
    }
}
