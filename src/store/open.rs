//! A data folder, opened: records and artifacts, with what an earlier process left half-done put in order.

use crate::store::{Recovered, Store, artifacts::Artifacts, sqlite::SqliteStore};
use anyhow::Context;
use std::{path::Path, sync::Arc};

/// Attempts that a job gets before it fails.
pub const MOST_ATTEMPTS: u32 = 3;

/// What a data folder holds.
#[derive(Clone)]
pub struct Opened {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// What became of the jobs that were running when the last process died.
    pub recovered: Recovered,
}

/// Opens the data folder at `path`, or makes it: SQLite in `epoca.sqlite3`, artifacts in `artifacts/`. Jobs found running
/// are put back in the queue, and files that no record needs are removed.
///
/// Fails where another process has it open.
pub async fn open(path: &Path) -> anyhow::Result<Opened> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the data folder {}", path.display()))?;
    let store = SqliteStore::open(&path.join("epoca.sqlite3")).await?;
    let artifacts = Artifacts::open(&path.join("artifacts"))?;
    let recovered = store.recover(MOST_ATTEMPTS).await?;
    let swept = artifacts.sweep(store.artifacts().await?).await?;
    tracing::info!(
        queued = recovered.queued,
        failed = recovered.failed,
        cancelled = recovered.cancelled,
        swept,
        "opened {}",
        path.display()
    );
    Ok(Opened { store: Arc::new(store), artifacts, recovered })
}
