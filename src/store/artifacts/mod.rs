//! Files by key in an object store: datasets, and the weights of models.
//!
//! A file appears under its key whole and durable, or not at all: it is written beside it, synced, and renamed. Its
//! SHA-256 is kept in the record that needs it, and checked when it is read.

mod local;
mod pipe;
mod receive;
mod source;

pub use local::Artifacts;
pub use receive::ReceiveError;
pub use source::Source;

use anyhow::anyhow;
use object_store::path::Path;
use uuid::Uuid;

/// The first parts of all keys.
const FOLDERS: [&str; 2] = ["datasets", "models"];

/// Where an artifact lies. Made of ids that the server made, of nothing that a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArtifactKey(String);

impl ArtifactKey {
    /// Of a dataset's file.
    pub fn dataset(id: Uuid) -> Self {
        Self(format!("datasets/{id}"))
    }

    /// Of the weights that the holder of `fence` made of a job: each attempt writes its own.
    pub fn weights(job: Uuid, fence: u64) -> Self {
        Self(format!("models/{job}-{fence}.safetensors"))
    }

    /// Of a file that is written only to see whether files can be.
    pub fn probe() -> Self {
        Self(format!("probes/{}", Uuid::now_v7()))
    }

    /// As the store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What [`Self::as_str`] gave.
    pub(in crate::store) fn kept(key: String) -> Self {
        Self(key)
    }

    fn path(&self) -> Path {
        Path::from(self.as_str())
    }
}

/// What is known of a file that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that is not what was stored.
fn damaged(key: &ArtifactKey, expected: &str, found: &str) -> anyhow::Error {
    anyhow!("the artifact {} is damaged: expected SHA-256 {expected}, received {found}", key.as_str())
}
