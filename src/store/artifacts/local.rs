//! Artifacts in a local folder.

use crate::store::{
    StoreError,
    artifacts::{ArtifactKey, Source, Stored, damaged, hexadecimal},
};
use anyhow::Context;
use bytes::Bytes;
use object_store::{ObjectStoreExt, local::LocalFileSystem};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The file with the identity of the database that the artifacts belong to.
pub(super) const IDENTITY: &str = "database-identity";

/// What errors call the folder.
const PLACE: &str = "the folder of the artifacts";

/// Files by key.
#[derive(Debug, Clone)]
pub struct Artifacts {
    pub(super) files: Arc<LocalFileSystem>,
    pub(super) root: PathBuf,
    /// Whether the folder bears the identity of a database.
    pub(super) is_claimed: Arc<AtomicBool>,
    /// Held while the columns of a dataset are stored.
    pub(super) storing: Arc<tokio::sync::Mutex<()>>,
}

impl Artifacts {
    /// Opens or creates the folder `root`.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("cannot create the folder {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("cannot open the folder {}", root.display()))?;
        if let Some(parent) = root.parent() {
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .context("cannot sync the folder of the artifacts")?;
        }
        let files = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Self { files: Arc::new(files), root, is_claimed: Arc::default(), storing: Arc::default() })
    }

    /// Fails where the folder is no longer the one that was opened, as where another is mounted there.
    pub(super) fn check_place(&self) -> Result<(), StoreError> {
        let is_gone = self.is_claimed.load(Ordering::Relaxed) && !self.root.join(IDENTITY).exists();
        if is_gone { Err(StoreError::Gone(PLACE)) } else { Ok(()) }
    }

    /// Stores `content` under `key`, and replaces an existing file.
    pub async fn put(&self, key: &ArtifactKey, content: Bytes) -> Result<Stored, StoreError> {
        self.check_place()?;
        let stored = Stored { bytes: content.len() as u64, sha256: digest(content.clone()).await? };
        self.files.put(&key.path(), content.into()).await.map_err(failure)?;
        Ok(stored)
    }

    /// The content of the file; fails where its SHA-256 is not `sha256`.
    pub async fn get(&self, key: &ArtifactKey, sha256: &str) -> Result<Bytes, StoreError> {
        let content = self.files.get(&key.path()).await.map_err(failure)?.bytes().await.map_err(failure)?;
        let found = digest(content.clone()).await?;
        if found == sha256 { Ok(content) } else { Err(StoreError::Internal(damaged(key, sha256, &found))) }
    }

    /// A reader of the file for a blocking thread, in constant memory.
    pub async fn source(&self, key: &ArtifactKey, sha256: &str) -> Result<Source, StoreError> {
        let path = self.files.path_to_filesystem(&key.path()).map_err(failure)?;
        let opened = tokio::fs::File::open(&path).await;
        if opened.is_err() {
            self.check_place()?;
        }
        let context = || format!("cannot open {}", path.display());
        let file = opened.with_context(context).map_err(|error| classified(PLACE, error))?;
        Ok(Source::new(key.clone(), file.into_std().await, sha256.to_owned()))
    }

    /// Whether the file exists.
    pub(super) async fn exists(&self, key: &ArtifactKey) -> Result<bool, StoreError> {
        match self.files.head(&key.path()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes the file, if it exists.
    pub async fn remove(&self, key: &ArtifactKey) -> Result<(), StoreError> {
        match self.files.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }
}

/// The SHA-256 of `content`; of a large one on a blocking thread.
async fn digest(content: Bytes) -> Result<String, StoreError> {
    const LARGE: usize = 1 << 20;
    if content.len() < LARGE {
        return Ok(hexadecimal(&Sha256::digest(&content)));
    }
    let hashing = tokio::task::spawn_blocking(move || hexadecimal(&Sha256::digest(&content)));
    Ok(hashing.await.context("the hashing of a file was cut short")?)
}

/// The error as the store's, by what the file system says.
pub(super) fn failure(error: object_store::Error) -> StoreError {
    classified(PLACE, anyhow::Error::new(error).context("the artifacts' folder failed"))
}

/// A failure to read or write a file of `place`, as the store's.
pub(in crate::store) fn of_io(place: &'static str, error: io::Error) -> StoreError {
    classified(place, error.into())
}

fn classified(place: &'static str, error: anyhow::Error) -> StoreError {
    let of_system = || error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let full = of_system().any(is_full);
    let inaccessible = of_system().any(is_inaccessible);
    match (full, inaccessible) {
        (true, _) => StoreError::Full,
        (false, true) => StoreError::Inaccessible(place, error),
        (false, false) => StoreError::Internal(error),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the file system is read-only, a permission is missing, or the disk fails.
fn is_inaccessible(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    let by_kind = matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied);
    by_kind || error.raw_os_error() == Some(EIO)
}
