//! `/v1/models/{model}/versions/{version}/weights`: the file of a version.

use crate::{
    http::{App, entity, path::KeyAndVersion, problem::Problem},
    store::artifacts::Source,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::{
    io::{self, BufRead},
    sync::Arc,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// safetensors has no media type of its own.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Parts of the file that wait to be sent.
const WAITING: usize = 2;

/// A file.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "only its documentation is used")]
pub struct File(Vec<u8>);

/// Weights of a version
///
/// A safetensors file: tensors under Keras's names (`dense/kernel`), `float32`; its metadata has the definition and the
/// preprocessing under the key `epoca`.
#[utoipa::path(get, path = "/v1/models/{model}/versions/{version}/weights", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-mlp"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
        ("if-none-match" = Option<String>, Header, description = "The ETag of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream", body = inline(File), headers(
            ("etag" = String, description = "Its SHA-256 in quotation marks"),
            ("content-disposition" = String, description = "Its name"),
        )),
        (status = 304, description = "It is the file that the client has"),
    ))]
pub async fn weights(
    State(app): State<Arc<App>>,
    KeyAndVersion(key, version): KeyAndVersion,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (version, artifact) = app.store.version(&key, Some(version)).await?;
    let etag = entity::tag(&version.sha256)?;
    if entity::is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    // A name has no character that must be escaped here.
    let disposition = format!("attachment; filename=\"{}-v{}.safetensors\"", version.model, version.version);
    let disposition = HeaderValue::from_str(&disposition).map_err(Problem::internal)?;
    let source = app.artifacts.source(&artifact, &version.sha256).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || send(source, &sender));
    let fields = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (header::CONTENT_LENGTH, version.bytes.into()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::ETAG, etag),
    ];
    Ok((fields, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

/// Sends the file. The last part waits until the SHA-256 is verified, so that no client gets all of a damaged file.
fn send(mut source: Source, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let mut held: Option<Bytes> = None;
    loop {
        let (part, is_end) = match source.fill_buf() {
            Ok(part) => (Ok(Bytes::copy_from_slice(part)), part.is_empty()),
            Err(error) => {
                tracing::error!(%error, "the weights of a version cannot be read");
                (Err(error), true)
            }
        };
        let next = match part {
            Ok(part) => {
                source.consume(part.len());
                held.replace(part).map(Ok)
            }
            Err(error) => Some(Err(error)),
        };
        if next.is_some_and(|next| sender.blocking_send(next).is_err()) || is_end {
            return;
        }
    }
}
