//! Files by key in an object store: datasets, and the weights of models.
//!
//! A write is atomic and durable: the file is written under another name, synced, and renamed. Its SHA-256 is in the record that
//! refers to it, and is checked when the file is read.

mod checkpoints;
mod columns;
mod local;
mod pipe;
mod receive;
mod source;
mod sweep;

pub use checkpoints::StoredState;
pub use columns::StoredColumns;
pub use local::Artifacts;
pub(in crate::store) use local::of_io;
pub use receive::ReceiveError;
pub use source::Source;
pub use sweep::Leftovers;

use anyhow::anyhow;
use object_store::path::Path;
use uuid::Uuid;

/// First segments of all keys.
const FOLDERS: [&str; 2] = ["datasets", "models"];

/// Key of an artifact, made of ids of the service only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArtifactKey(String);

impl ArtifactKey {
    /// Key of a dataset's file.
    pub fn dataset(id: Uuid) -> Self {
        Self(format!("datasets/{id}"))
    }

    /// Key of the weights of a job, one per attempt.
    pub fn weights(job: Uuid, fence: u64) -> Self {
        Self(format!("models/{job}-{fence}.safetensors"))
    }

    /// Key of a file that readiness writes.
    pub fn probe() -> Self {
        Self(format!("probes/{}", Uuid::now_v7()))
    }

    /// Text of the key, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key from its stored text.
    pub(in crate::store) fn from_stored(key: String) -> Self {
        Self(key)
    }

    fn path(&self) -> Path {
        Path::from(self.as_str())
    }
}

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A digest in hexadecimal.
pub fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that is not what was stored.
fn damaged(key: &ArtifactKey, expected: &str, found: &str) -> anyhow::Error {
    anyhow!("the artifact {} is damaged: expected SHA-256 {expected}, received {found}", key.as_str())
}
