//! Artifacts in a local folder.

use crate::store::{
    StoreError,
    artifacts::{ArtifactKey, FOLDERS, Source, Stored, damaged, hexadecimal},
};
use anyhow::Context;
use bytes::Bytes;
use object_store::{ObjectStoreExt, local::LocalFileSystem};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

/// Length of the id at the start of every file name.
const UUID_LENGTH: usize = 36;

/// Files by key.
#[derive(Debug, Clone)]
pub struct Artifacts {
    pub(super) files: Arc<LocalFileSystem>,
    root: PathBuf,
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
        Ok(Self { files: Arc::new(files), root })
    }

    /// Stores `content` under `key`, and replaces an existing file.
    pub async fn put(&self, key: &ArtifactKey, content: Bytes) -> Result<Stored, StoreError> {
        let stored = Stored { bytes: content.len() as u64, sha256: hexadecimal(&Sha256::digest(&content)) };
        self.files.put(&key.path(), content.into()).await.map_err(failure)?;
        Ok(stored)
    }

    /// The content of the file; fails where its SHA-256 is not `sha256`.
    pub async fn get(&self, key: &ArtifactKey, sha256: &str) -> Result<Bytes, StoreError> {
        let content = self.files.get(&key.path()).await.map_err(failure)?.bytes().await.map_err(failure)?;
        let found = hexadecimal(&Sha256::digest(&content));
        if found == sha256 { Ok(content) } else { Err(StoreError::Internal(damaged(key, sha256, &found))) }
    }

    /// A reader of the file for a blocking thread, in constant memory.
    pub async fn source(&self, key: &ArtifactKey, sha256: &str) -> Result<Source, StoreError> {
        let path = self.files.path_to_filesystem(&key.path()).map_err(failure)?;
        let file = tokio::fs::File::open(&path).await.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Source::new(key.clone(), file.into_std().await, sha256.to_owned()))
    }

    /// Removes the file, if it exists.
    pub async fn remove(&self, key: &ArtifactKey) -> Result<(), StoreError> {
        match self.files.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes every artifact that is not `needed`: leftovers of a process that died. Returns how many. Only for start-up: an
    /// upload in progress has no record yet.
    pub async fn sweep(&self, needed: HashSet<ArtifactKey>) -> Result<usize, StoreError> {
        let root = self.root.clone();
        let sweeping = tokio::task::spawn_blocking(move || sweep(&root, &needed));
        Ok(sweeping.await.context("the sweep was cut short")?.context("cannot remove leftovers")?)
    }
}

fn sweep(root: &Path, needed: &HashSet<ArtifactKey>) -> io::Result<usize> {
    let mut removed = 0;
    for folder in FOLDERS {
        let files = match fs::read_dir(root.join(folder)) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for file in files {
            let file = file?;
            let Some(name) = file.file_name().to_str().map(str::to_owned) else { continue };
            let is_artifact = name.get(..UUID_LENGTH).is_some_and(|id| Uuid::try_parse(id).is_ok());
            if is_artifact
                && file.file_type()?.is_file()
                && !needed.contains(&ArtifactKey::from_stored(format!("{folder}/{name}")))
            {
                fs::remove_file(file.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// The error as the store's, with [`StoreError::Full`] for a full device.
pub(super) fn failure(error: object_store::Error) -> StoreError {
    let error = anyhow::Error::new(error);
    let full = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_full);
    if full { StoreError::Full } else { StoreError::Internal(error.context("the artifacts' folder failed")) }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
