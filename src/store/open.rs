//! Opens records and artifacts, and recovers what an earlier process left unfinished.

use crate::store::{Recovered, Store, artifacts::Artifacts, sqlite::SqliteStore};
use anyhow::Context;
use std::{path::Path, sync::Arc};

/// Maximum number of attempts of a job.
pub const MAX_ATTEMPTS: u32 = 3;

/// Records and files.
#[derive(Clone)]
pub struct Opened {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// Jobs that were running when the last process died.
    pub recovered: Recovered,
}

/// Opens or creates the SQLite file `database` and the folder `artifacts`. Jobs that are running return to the queue, and files
/// that no record refers to are removed.
///
/// Fails where another process has them open.
pub async fn open(database: &Path, artifacts: &Path) -> anyhow::Result<Opened> {
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    let store = SqliteStore::open(database).await?;
    let artifacts = Artifacts::open(artifacts)?;
    let recovered = store.recover(MAX_ATTEMPTS).await?;
    let swept = artifacts.sweep(store.artifacts().await?).await?;
    tracing::info!(
        queued = recovered.queued,
        failed = recovered.failed,
        cancelled = recovered.cancelled,
        swept,
        "opened {}",
        database.display()
    );
    Ok(Opened { store: Arc::new(store), artifacts, recovered })
}
