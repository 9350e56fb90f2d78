//! The service over HTTP: routes (one file a resource), errors, limits, streams.
//!
//! A request passes the [`middleware`], is matched by [`routes`], and is checked by the extractors ([`body`], [`path`],
//! [`query`]) before its handler sees it. Whatever goes wrong becomes a [`problem::Problem`].

pub mod about;
pub mod accept;
pub mod access;
pub mod audit;
pub mod body;
pub mod connections;
mod control;
pub mod curve;
pub mod cut;
pub mod datasets;
pub mod docs;
pub mod entity;
pub mod events;
pub mod explain;
mod fields;
pub mod health;
pub mod history;
pub mod idempotency;
pub mod jobs;
pub mod methods;
pub mod metrics;
pub mod middleware;
pub mod models;
pub mod multipart;
pub mod openapi;
pub mod pace;
pub mod page;
pub mod path;
pub mod places;
pub mod predict;
pub mod problem;
pub mod problems;
pub mod process;
pub mod profile;
pub mod query;
pub mod routes;
pub mod server;
pub mod site;
pub mod stream;
pub mod tls;
mod turns;
pub mod upload;
pub mod upload_options;
pub mod verb;
pub mod watch;
pub mod weights;

use crate::{
    config::Config,
    http::{access::Keys, pace::Pace, places::Places, site::Sites, tls::Tls},
    memory::Memory,
    serving::Models,
    store::{Retention, Store, artifacts::Artifacts, open::open},
    worker::{Context, Workers},
};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
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
    /// API keys.
    pub keys: Keys,
    /// Sites that may use the service from a browser.
    pub sites: Sites,
    /// Memory that is reserved before it is taken.
    pub memory: Memory,
    /// Room for uploads and profiles.
    pub uploads: Arc<Places>,
    /// Cancelled when the service is to end; streams watch it.
    pub shutdown: CancellationToken,
}

impl App {
    /// How slow a body may arrive.
    pub fn body_pace(&self) -> Pace {
        Pace::new(self.config.timeouts.body_timeout, self.config.limits.min_bytes_per_second)
    }
}

/// Opens the database and the artifacts that `config` names, and serves on `listener` until `shutdown` is cancelled. Returns
/// once every request has ended, every stream is closed, and running jobs are back in the queue.
///
/// ```
/// use epoca::{config::Config, http};
/// use tokio::{
///     io::{AsyncReadExt, AsyncWriteExt},
///     net::{TcpListener, TcpStream},
/// };
/// use tokio_util::sync::CancellationToken;
///
/// # #[tokio::main]
/// # async fn main() -> anyhow::Result<()> {
/// let folder = tempfile::tempdir()?;
/// let config = Config { data_dir: folder.path().join("data"), ..Config::default() };
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut client = TcpStream::connect(listener.local_addr()?).await?;
/// client.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
/// let shutdown = CancellationToken::new();
/// let mut answer = String::new();
/// let read = async {
///     let read = client.read_to_string(&mut answer).await;
///     shutdown.cancel();
///     read
/// };
/// let (served, read) = tokio::join!(http::serve(config, listener, shutdown.clone()), read);
/// (served?, read?);
/// assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
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
    let tls = match (&config.tls_cert, &config.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::open(certificate, key)?)),
        _ => None,
    };
    let opened = open(&config.database_file(), &config.artifacts_folder()).await?;
    let (store, artifacts, limits) = (opened.store, opened.artifacts, config.limits.model());
    let threads = config.compute_threads();
    let address = listener.local_addr()?;
    let keys = Keys::open(&config, address, &*store).await?;
    let memory = config.limits.memory();
    tracing::info!(bytes = memory.total(), "memory for jobs, predictions, previews and bodies");
    let context =
        Context { store: Arc::clone(&store), artifacts: artifacts.clone(), limits, threads, memory: memory.clone() };
    let workers = Workers::start(&context, config.workers, &shutdown);
    let app = Arc::new(App {
        keys,
        sites: Sites::new(&config, address),
        models: Models::new(Arc::clone(&store), artifacts.clone(), limits, threads, memory.clone()),
        memory,
        uploads: Places::new(config.limits.max_uploads),
        config,
        store,
        artifacts,
        shutdown: shutdown.clone(),
    });
    let router = routes::router(Arc::clone(&app))?;
    let fresh = Arc::clone(&app);
    let upkeep = tokio::spawn(async move { tokio::join!(metrics::upkeep(), fresh.keys.upkeep(&*fresh.store)) });
    let certificate = tls.clone();
    let renewal = tokio::spawn(async move {
        if let Some(certificate) = certificate {
            certificate.upkeep().await;
        }
    });
    let retention = app.config.retention();
    let maintenance = tokio::spawn(maintain(Arc::clone(&app.store), retention, shutdown.clone()));
    metrics::install();
    is_open()?;
    server::run(listener, router, &app.config.limits, &app.config.timeouts, tls, shutdown).await;
    renewal.abort();
    workers.ended().await;
    upkeep.abort();
    let _ = maintenance.await;
    app.store.close().await?;
    Ok(())
}

/// Interval between two rounds of maintenance.
const MAINTENANCE: Duration = Duration::from_secs(5 * 60);

/// Keeps the database small until `shutdown`.
async fn maintain(store: Arc<dyn Store>, retention: Retention, shutdown: CancellationToken) {
    loop {
        match store.maintain(retention).await {
            Ok(0) => {}
            Ok(removed) => {
                tracing::info!(
                    removed,
                    "removed events, jobs or entries of the audit log that are older than they are kept"
                );
            }
            Err(error) => tracing::warn!(%error, "the maintenance of the database failed; it is tried again"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(MAINTENANCE) => {}
        }
    }
}
