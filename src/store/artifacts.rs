//! Files by key in an object store: datasets, and versions of models.

use uuid::Uuid;

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

    /// As the store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What [`Self::as_str`] gave.
    pub(in crate::store) fn kept(key: String) -> Self {
        Self(key)
    }
}
