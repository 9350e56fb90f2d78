//! The service over HTTP: routes (one file a resource), errors, limits, streams.
//!
//! A request passes the [`middleware`], is matched by [`routes`], and is checked by the extractors ([`body`], [`path`],
//! [`query`]) before its handler sees it. Whatever goes wrong becomes a [`problem::Problem`].

pub mod about;
pub mod accept;
pub mod body;
pub mod cut;
pub mod datasets;
pub mod docs;
pub mod entity;
pub mod events;
pub mod health;
pub mod history;
pub mod idempotency;
pub mod jobs;
pub mod methods;
pub mod metrics;
pub mod middleware;
pub mod models;
pub mod openapi;
pub mod page;
pub mod path;
pub mod predict;
pub mod problem;
pub mod problems;
pub mod query;
pub mod routes;
pub mod server;
pub mod site;
pub mod strict;
pub mod upload;
pub mod upload_options;
pub mod verb;
pub mod watch;
pub mod weights;

use crate::{
    config::Config,
    http::site::Sites,
    serving::Models,
    store::{Store, artifacts::Artifacts, open::open},
    worker::{Context, Workers},
};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// What every handler may use.
pub struct App {
    /// Settings of the process.
    pub config: Config,
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// Trained models in memory.
    pub models: Models,
    /// Sites that may use the service from a browser.
    pub sites: Sites,
    /// Room for uploads.
    pub uploads: Semaphore,
    /// Cancelled when the service is to end; streams watch it.
    pub shutdown: CancellationToken,
}

/// Opens the database and the artifacts that `config` names, and serves on `listener` until `shutdown` is cancelled. Returns
/// once every request has ended, every stream is closed, and running jobs are back in the queue.
///
/// ```
/// use epoca::{config::Config, http};
/// use tokio::net::TcpListener;
/// use tokio_util::sync::CancellationToken;
///
/// # #[tokio::main]
/// # async fn main() -> anyhow::Result<()> {
/// let folder = tempfile::tempdir()?;
/// let config = Config { data_dir: folder.path().join("data"), ..Config::default() };
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let url = format!("http://{}/readyz", listener.local_addr()?);
/// let shutdown = CancellationToken::new();
/// let client = async {
///     let answer = reqwest::get(url).await;
///     shutdown.cancel();
///     answer
/// };
/// let (served, answer) = tokio::join!(http::serve(config, listener, shutdown.clone()), client);
/// served?;
/// assert!(answer?.status().is_success());
/// # Ok(())
/// # }
/// ```
pub async fn serve(config: Config, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    serve_once_open(config, listener, shutdown, || Ok(())).await
}

/// As [`serve`]; calls `is_open` once the database and the artifacts are open.
pub async fn serve_once_open(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
    is_open: impl FnOnce() -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let opened = open(&config.database_file(), &config.artifacts_folder()).await?;
    let (store, artifacts, limits) = (opened.store, opened.artifacts, config.limits.model());
    let threads = config.compute_threads();
    let context = Context { store: Arc::clone(&store), artifacts: artifacts.clone(), limits, threads };
    let workers = Workers::start(&context, config.workers, &shutdown);
    let app = Arc::new(App {
        models: Models::new(Arc::clone(&store), artifacts.clone(), limits, threads),
        sites: Sites::new(&config, listener.local_addr()?),
        uploads: Semaphore::new(config.limits.max_uploads),
        config,
        store,
        artifacts,
        shutdown: shutdown.clone(),
    });
    let router = routes::router(Arc::clone(&app))?;
    let upkeep = tokio::spawn(metrics::upkeep());
    is_open()?;
    server::run(listener, router, &app.config.limits, &app.config.timeouts, shutdown).await;
    workers.ended().await;
    upkeep.abort();
    Ok(())
}
