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

/// Characters of an id, with which the name of every file here begins.
const UUID_LENGTH: usize = 36;

/// Files by key.
#[derive(Debug, Clone)]
pub struct Artifacts {
    pub(super) files: Arc<LocalFileSystem>,
    root: PathBuf,
}

impl Artifacts {
    /// Keeps files in the folder `root`, which is made where it is missing.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("cannot make the folder {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("cannot open the folder {}", root.display()))?;
        if let Some(parent) = root.parent() {
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .context("cannot sync the folder of the artifacts")?;
        }
        let files = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Self { files: Arc::new(files), root })
    }

    /// Stores `content` under `key`; what was there is replaced.
    pub async fn put(&self, key: &ArtifactKey, content: Bytes) -> Result<Stored, StoreError> {
        let stored = Stored { bytes: content.len() as u64, sha256: hexadecimal(&Sha256::digest(&content)) };
        self.files.put(&key.path(), content.into()).await.map_err(failure)?;
        Ok(stored)
    }

    /// The whole file; fails where it is not the one that `sha256` was recorded of.
    pub async fn get(&self, key: &ArtifactKey, sha256: &str) -> Result<Bytes, StoreError> {
        let content = self.files.get(&key.path()).await.map_err(failure)?.bytes().await.map_err(failure)?;
        let found = hexadecimal(&Sha256::digest(&content));
        if found == sha256 { Ok(content) } else { Err(StoreError::Internal(damaged(key, sha256, &found))) }
    }

    /// The file to be read on a blocking thread, in constant memory.
    pub async fn source(&self, key: &ArtifactKey, sha256: &str) -> Result<Source, StoreError> {
        let path = self.files.path_to_filesystem(&key.path()).map_err(failure)?;
        let file = tokio::fs::File::open(&path).await.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Source::new(key.clone(), file.into_std().await, sha256.to_owned()))
    }

    /// Removes the file, where there is one.
    pub async fn remove(&self, key: &ArtifactKey) -> Result<(), StoreError> {
        match self.files.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes every file of ours but those that are `needed`: what an earlier process was writing when it died, and what it
    /// had not yet removed. Returns how many. Only for start-up: an upload in flight has no record yet.
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
            let ours = name.get(..UUID_LENGTH).is_some_and(|id| Uuid::try_parse(id).is_ok());
            if ours && file.file_type()?.is_file() && !needed.contains(&ArtifactKey::kept(format!("{folder}/{name}"))) {
                fs::remove_file(file.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// What went wrong, with a full device told apart.
pub(super) fn failure(error: object_store::Error) -> StoreError {
    let error = anyhow::Error::new(error);
    let full = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_full);
    if full { StoreError::Full } else { StoreError::Internal(error.context("the artifacts' folder failed")) }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
