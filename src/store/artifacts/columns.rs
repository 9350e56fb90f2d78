//! The columns of datasets, in files beside theirs. They are a cache: whatever is missing is made again.

use crate::{
    data::read::{ReadError, columnar::write_columns},
    job::Dataset,
    store::{
        StoreError,
        artifacts::{ArtifactKey, Artifacts},
    },
};
use anyhow::Context;
use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufRead, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};
use uuid::Uuid;

/// The folder of the columns.
const FOLDER: &str = "columns";

/// Bytes of a dataset's file from which its columns are stored; a smaller one is read as fast.
const MIN_BYTES: u64 = 1 << 20;
/// Cells for each byte of a file above which its columns, which have every cell, are not stored: records of few keys over many columns.
const MAX_CELLS_PER_BYTE: u64 = 64;

/// The stored columns of a dataset.
#[derive(Debug)]
pub struct StoredColumns {
    /// Where [`crate::data::read::columnar::load_columns`] reads.
    pub file: File,
    path: PathBuf,
}

impl StoredColumns {
    /// Removes columns that are of no use.
    pub fn discard(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "cannot remove damaged columns");
        }
    }
}

impl Artifacts {
    /// The stored columns of a dataset, if there are any.
    pub fn columns(&self, dataset: Uuid) -> Option<StoredColumns> {
        let path = self.columns_path(dataset);
        let file = File::open(&path).ok()?;
        Some(StoredColumns { file, path })
    }

    /// Removes the stored columns of a dataset, if there are any.
    pub fn remove_columns(&self, dataset: Uuid) {
        match fs::remove_file(self.columns_path(dataset)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, id = %dataset, "columns that are not needed stay until the next start");
            }
            _ => {}
        }
    }

    /// Stores the columns of a dataset in the background, if its file is large. Ends early where the service does.
    pub fn store_columns(&self, dataset: &Dataset) {
        let cells = dataset.rows.saturating_mul(dataset.columns.len() as u64);
        if dataset.bytes < MIN_BYTES || cells / MAX_CELLS_PER_BYTE > dataset.bytes {
            return;
        }
        let (artifacts, dataset) = (self.clone(), dataset.clone());
        tokio::spawn(async move {
            let _one_at_a_time = artifacts.storing.lock().await;
            if artifacts.columns(dataset.id).is_some() {
                return;
            }
            let id = dataset.id;
            if let Err(error) = artifacts.write_columns_of(dataset).await {
                tracing::warn!(%error, %id, "the columns of a dataset are not stored; its file is read instead");
            }
        });
    }

    async fn write_columns_of(&self, dataset: Dataset) -> anyhow::Result<()> {
        let id = dataset.id;
        let key = ArtifactKey::dataset(id);
        let source = self.source(&key, &dataset.sha256).await?;
        let (folder, path) = (self.root.join(FOLDER), self.columns_path(dataset.id));
        let owner = Arc::new(());
        let awaited = Arc::downgrade(&owner);
        let writing = tokio::task::spawn_blocking(move || -> Result<(), ReadError> {
            fs::create_dir_all(&folder)?;
            let mut file = BufWriter::with_capacity(1 << 18, tempfile::NamedTempFile::new_in(&folder)?);
            let mut source = WhileAwaited { source, awaited };
            let Dataset { format, read, columns, sha256, .. } = &dataset;
            write_columns(&mut source, *format, read, columns, sha256, &mut file)?;
            // The SHA-256 of the whole file is checked at its end.
            source.source.finish()?;
            file.flush()?;
            let file = file.into_inner().map_err(|error| error.into_error())?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        });
        writing.await??;
        drop(owner);
        // The dataset may have been deleted meanwhile.
        if self.exists(&key).await.is_ok_and(|exists| !exists) {
            self.remove_columns(id);
        }
        Ok(())
    }

    /// Removes columns of datasets that are gone, and unfinished ones. Only for start-up.
    pub async fn sweep_columns(&self, needed: HashSet<ArtifactKey>) -> Result<usize, StoreError> {
        let folder = self.root.join(FOLDER);
        let sweeping = tokio::task::spawn_blocking(move || sweep(&folder, &needed));
        Ok(sweeping.await.context("the sweep was cut short")?.context("cannot remove columns")?)
    }

    fn columns_path(&self, dataset: Uuid) -> PathBuf {
        self.root.join(FOLDER).join(dataset.to_string())
    }
}

fn sweep(folder: &Path, needed: &HashSet<ArtifactKey>) -> io::Result<usize> {
    let mut removed = 0;
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        files => files?,
    };
    for file in files {
        let file = file?;
        let id = file.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok());
        if id.is_none_or(|id| !needed.contains(&ArtifactKey::dataset(id))) {
            fs::remove_file(file.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A source that fails once nobody waits for what is made of it: the service ends.
struct WhileAwaited<R> {
    source: R,
    awaited: Weak<()>,
}

impl<R: BufRead> BufRead for WhileAwaited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.awaited.strong_count() == 0 {
            return Err(io::Error::other("the service ends"));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.source.consume(amount);
    }
}

impl<R: BufRead> Read for WhileAwaited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill_buf()?;
        self.source.read(buffer)
    }
}
