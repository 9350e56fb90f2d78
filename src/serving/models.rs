//! The cache of loaded models.

use super::{loaded::Loaded, pool::Pool};
use crate::{
    engine::{kernel::Team, spec::Limits},
    memory::{Memory, Refusal},
    store::{
        Store, StoreError,
        artifacts::{ArtifactKey, Artifacts},
        bundle::Bundle,
    },
};
use anyhow::Context;
use moka::future::Cache;
use std::{sync::Arc, time::Duration};

/// Maximum number of cached routes.
const MAX_ROUTES: u64 = 10_000;

/// Maximum bytes of cached models, and of half of the memory.
const MAX_BYTES: u64 = 1 << 30;

/// A model is evicted when it is idle for this long.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// How long a model waits for memory.
const PATIENCE: Duration = Duration::from_secs(2);

/// A model and a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelKey {
    /// Name or id.
    pub model: String,
    /// The latest where absent.
    pub version: Option<u64>,
}

/// Why a model is not loaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// No such model, or no such version of it.
    #[error("{0}")]
    NotFound(String),
    /// There is no memory for it.
    #[error(transparent)]
    Memory(#[from] Refusal),
    /// The database or the file cannot be read now.
    #[error("{0}")]
    Unavailable(String),
    /// The store or the file failed; logged, never shown.
    #[error("{0}")]
    Internal(Arc<anyhow::Error>),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(detail) => Self::NotFound(detail),
            StoreError::Gone(_) => Self::Unavailable(error.to_string()),
            StoreError::Inaccessible(..) => {
                tracing::error!(error = error.with_cause(), "a model cannot be loaded");
                Self::Unavailable(error.to_string())
            }
            other => Self::Internal(Arc::new(other.into())),
        }
    }
}

/// The artifact of a [`ModelKey`], as of a generation of versions.
#[derive(Debug, Clone)]
struct Route {
    generation: u64,
    artifact: ArtifactKey,
}

/// Trained versions, loaded on first use.
#[derive(Clone)]
pub struct Models {
    store: Arc<dyn Store>,
    artifacts: Artifacts,
    limits: Limits,
    team: Arc<Team>,
    pool: Arc<Pool>,
    memory: Memory,
    routes: Cache<ModelKey, Route>,
    loaded: Cache<ArtifactKey, Arc<Loaded>>,
}

impl Models {
    /// An empty cache. `limits` apply to loaded models; a large prediction runs on up to `threads` threads. Where `memory` is short, the
    /// cache gives up models that are not in use.
    pub fn new(store: Arc<dyn Store>, artifacts: Artifacts, limits: Limits, threads: usize, memory: Memory) -> Self {
        let loaded: Cache<ArtifactKey, Arc<Loaded>> = Cache::builder()
            .max_capacity(MAX_BYTES.min(memory.total() / 2))
            .weigher(|_, model: &Arc<Loaded>| u32::try_from(model.bytes()).unwrap_or(u32::MAX))
            .time_to_idle(IDLE)
            .build();
        let (team, pool) = (Arc::new(Team::new(threads)), Arc::new(Pool::new(threads)));
        let cached = loaded.clone();
        memory.when_short(move || {
            let cached = cached.clone();
            tokio::spawn(async move {
                cached.invalidate_all();
                cached.run_pending_tasks().await;
            });
        });
        Self { store, artifacts, limits, team, pool, memory, routes: Cache::new(MAX_ROUTES), loaded }
    }

    /// The model of `key`.
    pub async fn find(&self, key: ModelKey) -> Result<Arc<Loaded>, LoadError> {
        // Read before the store: a change in between makes this route stale.
        let generation = self.store.changes().versions();
        if let Some(route) = self.routes.get(&key).await
            && route.generation == generation
            && let Some(model) = self.loaded.get(&route.artifact).await
        {
            return Ok(model);
        }
        let (version, artifact) = self.store.version(&key.model, key.version).await?;
        let load = async {
            // The file, its tensors, and the network's own weights.
            let memory = self.memory.reserve(version.bytes.saturating_mul(3), PATIENCE).await?;
            let file = self.artifacts.get(&artifact, &version.sha256).await?;
            let (limits, threads) = (self.limits, (Arc::clone(&self.team), Arc::clone(&self.pool)));
            let (model, number) = (version.model.clone(), version.version);
            let reading = tokio::task::spawn_blocking(move || {
                Loaded::new(model, number, Bundle::from_bytes(&file)?, &limits, threads, memory)
            });
            let loaded = reading.await.context("the loading was cut short").and_then(|loaded| loaded);
            loaded.map(Arc::new).map_err(|error| LoadError::Internal(Arc::new(error)))
        };
        let loaded = self.loaded.try_get_with(artifact.clone(), load).await;
        let model = loaded.map_err(|error: Arc<LoadError>| (*error).clone())?;
        self.routes.insert(key, Route { generation, artifact }).await;
        Ok(model)
    }
}
