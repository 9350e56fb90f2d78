//! What a service keeps, opened: records and artifacts, with what an earlier process left half-done put in order.

use crate::store::{Recovered, Store, artifacts::Artifacts, sqlite::SqliteStore};
use anyhow::Context;
use std::{path::Path, sync::Arc};

/// Attempts that a job gets before it fails.
pub const MOST_ATTEMPTS: u32 = 3;

/// Records and files.
#[derive(Clone)]
pub struct Opened {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// What became of the jobs that were running when the last process died.
    pub recovered: Recovered,
}

/// Opens the SQLite file `database` and the folder `artifacts`, or makes them. Jobs found running are put back in the
/// queue, and files that no record needs are removed.
///
/// Fails where another process has them open.
pub async fn open(database: &Path, artifacts: &Path) -> anyhow::Result<Opened> {
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let store = SqliteStore::open(database).await?;
    let artifacts = Artifacts::open(artifacts)?;
    let recovered = store.recover(MOST_ATTEMPTS).await?;
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
