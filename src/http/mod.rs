//! The service over HTTP: routes (one file a resource), errors, limits, streams.
//!
//! A request passes the [`door`], is matched by [`routes`], and is checked by the extractors ([`body`], [`path`],
//! [`query`]) before its handler sees it. Whatever goes wrong becomes a [`problem::Problem`].

pub mod body;
pub mod door;
pub mod health;
pub mod metrics;
pub mod openapi;
pub mod path;
pub mod predict;
pub mod problem;
pub mod query;
pub mod routes;
pub mod server;
pub mod strict;
pub mod verb;

use crate::{
    config::Config,
    serving::Models,
    store::{Store, artifacts::Artifacts, open::open},
};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What every handler may use.
pub struct App {
    /// How the process was started.
    pub config: Config,
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// Trained models in memory.
    pub models: Models,
    /// Cancelled when the service is to end; streams watch it.
    pub shutdown: CancellationToken,
}

/// Opens the data folder of `config` and serves it on `listener` until `shutdown` is cancelled; returns once every
/// request has ended, every stream is closed, and running jobs were handed back.
pub async fn serve(config: Config, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let opened = open(&config.database_file(), &config.artifacts_folder()).await?;
    let models = Models::new(Arc::clone(&opened.store), opened.artifacts.clone(), config.limits.model());
    let app =
        Arc::new(App { config, store: opened.store, artifacts: opened.artifacts, models, shutdown: shutdown.clone() });
    let router = routes::router(Arc::clone(&app));
    let upkeep = tokio::spawn(metrics::upkeep());
    server::run(listener, router, &app.config.limits, &app.config.timeouts, shutdown).await;
    upkeep.abort();
    Ok(())
}
