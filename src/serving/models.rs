//! The models that are in memory.

use super::Loaded;
use crate::{
    engine::{kernel::Team, spec::Limits},
    store::{
        Store, StoreError,
        artifacts::{ArtifactKey, Artifacts},
        bundle::Bundle,
    },
};
use anyhow::Context;
use moka::future::Cache;
use std::{sync::Arc, time::Duration};

/// Names and ids whose version is remembered.
const MOST_ROUTES: u64 = 10_000;

/// Bytes of weights that are kept in memory.
const MOST_BYTES: u64 = 1 << 30;

/// A model that nobody asks for leaves after this long.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// Which version of which model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Name or id.
    pub model: String,
    /// The latest where absent.
    pub version: Option<u64>,
}

/// Why a model cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// No such model, or no such version of it.
    #[error("{0}")]
    NotFound(String),
    /// The store or the file failed; logged, never shown.
    #[error("{0}")]
    Internal(Arc<anyhow::Error>),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(detail) => Self::NotFound(detail),
            other => Self::Internal(Arc::new(other.into())),
        }
    }
}

/// Where a [`Wanted`] led, and as of when.
#[derive(Debug, Clone)]
struct Route {
    generation: u64,
    artifact: ArtifactKey,
}

/// Trained versions, loaded when they are first asked for.
#[derive(Clone)]
pub struct Models {
    store: Arc<dyn Store>,
    artifacts: Artifacts,
    limits: Limits,
    team: Arc<Team>,
    routes: Cache<Wanted, Route>,
    loaded: Cache<ArtifactKey, Arc<Loaded>>,
}

impl Models {
    /// No model yet. `limits` hold for what is loaded, too; a large prediction runs on up to `threads` threads.
    pub fn new(store: Arc<dyn Store>, artifacts: Artifacts, limits: Limits, threads: usize) -> Self {
        let loaded = Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(|_, model: &Arc<Loaded>| u32::try_from(model.bytes()).unwrap_or(u32::MAX))
            .time_to_idle(IDLE)
            .build();
        let team = Arc::new(Team::new(threads));
        Self { store, artifacts, limits, team, routes: Cache::new(MOST_ROUTES), loaded }
    }

    /// The model that `wanted` means now.
    pub async fn find(&self, wanted: Wanted) -> Result<Arc<Loaded>, LoadError> {
        // Read before the store is asked: a change that comes between makes the answer stale at once, never later.
        let generation = self.store.changes().versions();
        if let Some(route) = self.routes.get(&wanted).await
            && route.generation == generation
            && let Some(model) = self.loaded.get(&route.artifact).await
        {
            return Ok(model);
        }
        let (version, artifact) = self.store.version(&wanted.model, wanted.version).await?;
        let load = async {
            let file = self.artifacts.get(&artifact, &version.sha256).await?;
            let (limits, team) = (self.limits, Arc::clone(&self.team));
            let (model, number) = (version.model.clone(), version.version);
            let reading = tokio::task::spawn_blocking(move || {
                Loaded::new(model, number, Bundle::from_bytes(&file)?, &limits, team)
            });
            let loaded = reading.await.context("the loading was cut short")??;
            anyhow::Ok(Arc::new(loaded))
        };
        let model = self.loaded.try_get_with(artifact.clone(), load).await.map_err(LoadError::Internal)?;
        self.routes.insert(wanted, Route { generation, artifact }).await;
        Ok(model)
    }
}
