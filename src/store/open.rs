//! Opens records and artifacts, and recovers what an earlier process left unfinished.

use crate::store::{
    Recovered, Store,
    artifacts::{ArtifactKey, Artifacts},
    sqlite::SqliteStore,
};
use anyhow::Context;
use std::{collections::HashSet, path::Path, sync::Arc};

/// Maximum number of attempts of a job.
pub const MAX_ATTEMPTS: u32 = 3;

/// Records and files.
#[derive(Clone)]
pub struct Opened {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// Jobs that had a worker when the last process died.
    pub recovered: Recovered,
}

/// Opens or creates the SQLite file `database` and the folder `artifacts`. Jobs that are running return to the queue. Files that no record
/// refers to are removed if they are older than a day and a small part of all.
///
/// Fails where another process has the database open, and where the artifacts belong to another database.
pub async fn open(database: &Path, artifacts: &Path) -> anyhow::Result<Opened> {
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    let store = SqliteStore::open(database).await?;
    let claimed = claim(&store, artifacts).await;
    let (artifacts, needed) = match claimed {
        Ok(claimed) => claimed,
        Err(error) => {
            // Otherwise files of the log would stay beside the database.
            store.close().await?;
            return Err(error);
        }
    };
    let recovered = store.recover(MAX_ATTEMPTS).await?;
    let swept = artifacts.sweep_columns(needed.clone()).await? + sweep(&artifacts, needed).await?;
    // Those that the recovered jobs continue from.
    let continued = store.checkpoints().await?;
    if let Err(error) = artifacts.sweep_checkpoints(&continued) {
        tracing::warn!(%error, "checkpoints that are not needed stay until the next start");
    }
    tracing::info!(
        queued = recovered.queued,
        paused = recovered.paused,
        failed = recovered.failed,
        cancelled = recovered.cancelled,
        swept,
        "opened {}",
        database.display()
    );
    Ok(Opened { store: Arc::new(store), artifacts, recovered })
}

/// The artifacts of `store` in a folder, and which of them its records need.
async fn claim(store: &SqliteStore, folder: &Path) -> anyhow::Result<(Artifacts, HashSet<ArtifactKey>)> {
    let artifacts = Artifacts::open(folder)?;
    let needed = store.artifacts().await?;
    artifacts.claim(&store.identity().await?, &needed)?;
    Ok((artifacts, needed))
}

/// Removes leftovers of processes that died; of many of them none.
async fn sweep(artifacts: &Artifacts, needed: HashSet<ArtifactKey>) -> anyhow::Result<usize> {
    let found = artifacts.leftovers(needed).await?;
    let count = found.old.len();
    if found.are_many() {
        let all = found.all;
        tracing::warn!(
            "{count} of {all} artifacts belong to no record and are kept; `epoca gc` lists them, and removes them with --yes"
        );
        return Ok(0);
    }
    tokio::task::spawn_blocking(move || found.remove()).await?.context("cannot remove leftovers")?;
    Ok(count)
}
