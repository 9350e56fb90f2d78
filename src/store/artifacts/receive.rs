//! Uploads: stored, hashed and inspected while they arrive, in constant memory.

use crate::store::{
    StoreError,
    artifacts::{ArtifactKey, Artifacts, Stored, hexadecimal, local::failure, pipe::pipe},
};
use anyhow::Context;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use std::io::BufRead;
use tokio::{sync::mpsc, task::JoinHandle};

/// Bytes per part; S3 requires at least 5 MiB.
const PART: usize = 8 << 20;

/// Why an upload was not stored. `R` is the refusal of its inspection.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<R> {
    /// The body is larger than allowed.
    #[error("expected at most {max_bytes} bytes, received more")]
    TooLarge {
        /// Maximum size in bytes.
        max_bytes: u64,
    },
    /// The body failed or ended early.
    #[error("the upload broke off: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// The inspection refused it.
    #[error("{0}")]
    Refused(R),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Artifacts {
    /// Stores a body of at most `max_bytes` under `key` while it arrives. `inspect` reads the same bytes on a
    /// blocking thread; nothing is stored where it refuses, where the body fails, or where this future is dropped.
    pub async fn receive<T, R, E>(
        &self,
        key: &ArtifactKey,
        body: impl Stream<Item = Result<Bytes, E>>,
        max_bytes: u64,
        inspect: impl FnOnce(&mut dyn BufRead) -> Result<T, R> + Send + 'static,
    ) -> Result<(Stored, T), ReceiveError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.check_place()?;
        let mut body = std::pin::pin!(body);
        let mut writer = Writer::new(self.files.put_multipart(&key.path()).await.map_err(failure)?);
        let (sender, mut reader) = pipe();
        let inspecting = tokio::task::spawn_blocking(move || inspect(&mut reader));
        let mut inspection = Inspection::Reading(sender, inspecting);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| ReceiveError::Body(error.into()))?;
            if writer.bytes + chunk.len() as u64 > max_bytes {
                return Err(ReceiveError::TooLarge { max_bytes });
            }
            if let Inspection::Reading(sender, _) = &inspection
                && sender.send(chunk.clone()).await.is_err()
            {
                inspection = Inspection::Done(inspection.result().await?);
            }
            writer.write(chunk).await?;
        }
        let found = inspection.result().await?;
        Ok((writer.finish().await?, found))
    }
}

/// The inspection of an upload: reading, or done before its end.
enum Inspection<T, R> {
    Reading(mpsc::Sender<Bytes>, JoinHandle<Result<T, R>>),
    Done(T),
}

impl<T, R> Inspection<T, R> {
    /// Ends the input and waits for the result.
    async fn result(self) -> Result<T, ReceiveError<R>> {
        match self {
            Self::Done(found) => Ok(found),
            Self::Reading(sender, inspecting) => {
                drop(sender);
                let found = inspecting
                    .await
                    .context("the inspection of an upload was cut short")
                    .map_err(StoreError::Internal)?;
                found.map_err(ReceiveError::Refused)
            }
        }
    }
}

/// Writes one part while the next is buffered. An unfinished upload is removed when this is dropped.
struct Writer {
    upload: Box<dyn MultipartUpload>,
    /// Absent while a part is being written.
    hasher: Option<Sha256>,
    writing: Option<JoinHandle<object_store::Result<Sha256>>>,
    part: Vec<Bytes>,
    part_bytes: usize,
    bytes: u64,
}

impl Writer {
    fn new(upload: Box<dyn MultipartUpload>) -> Self {
        Self { upload, hasher: Some(Sha256::new()), writing: None, part: Vec::new(), part_bytes: 0, bytes: 0 }
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        self.bytes += chunk.len() as u64;
        self.part_bytes += chunk.len();
        self.part.push(chunk);
        if self.part_bytes >= PART { self.flush().await } else { Ok(()) }
    }

    /// Starts to write the buffered part, once the part before is written.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut hasher = self.settle().await?;
        let part = std::mem::take(&mut self.part);
        self.part_bytes = 0;
        let written = self.upload.put_part(part.iter().cloned().collect::<PutPayload>());
        let hashed = tokio::task::spawn_blocking(move || {
            part.iter().for_each(|chunk| hasher.update(chunk));
            hasher
        });
        self.writing = Some(tokio::spawn(async move {
            written.await?;
            Ok(hashed.await?)
        }));
        Ok(())
    }

    async fn settle(&mut self) -> Result<Sha256, StoreError> {
        match self.writing.take() {
            Some(writing) => Ok(writing.await.context("writing a part was cut short")?.map_err(failure)?),
            None => Ok(self.hasher.take().unwrap_or_default()),
        }
    }

    async fn finish(mut self) -> Result<Stored, StoreError> {
        if self.part_bytes > 0 {
            self.flush().await?;
        }
        let hasher = self.settle().await?;
        self.upload.complete().await.map_err(failure)?;
        Ok(Stored { bytes: self.bytes, sha256: hexadecimal(&hasher.finalize()) })
    }
}
