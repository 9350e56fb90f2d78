//! The service inside the test's own process, on a free port, with a temporary folder.

use crate::support::client;
use epoca::config::Config;
use serde_json::Value;
use std::{
    path::Path,
    thread::{self, JoinHandle},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A running service; it ends, and its folder goes, when this is dropped.
pub struct Server {
    url: String,
    config: Config,
    shutdown: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    _folder: TempDir,
}

impl Server {
    /// Starts one with the defaults.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one with other settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: folder.path().join("data"), ..Config::default() };
        change(&mut config);
        let mut server =
            Self { url: String::new(), config, shutdown: CancellationToken::new(), running: None, _folder: folder };
        server.run();
        server.wait_until_it_answers().await;
        server
    }

    /// Where it listens: `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its folder.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Stops it gracefully and starts another on the same folder.
    pub async fn restart(&mut self) {
        self.stop().unwrap();
        self.shutdown = CancellationToken::new();
        self.run();
        self.wait_until_it_answers().await;
    }

    /// Stops it gracefully; returns what `serve` did.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.running.take().map_or(Ok(()), |running| running.join().unwrap())
    }

    /// Polls job `id` until it has ended, and returns it.
    pub async fn wait_for_end(&self, id: &str) -> Value {
        client::wait_for_end(&self.url, id).await
    }

    /// A separate runtime: neither a test that blocks nor one on a single thread slows the service.
    fn run(&mut self) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        self.url = format!("http://{}", listener.local_addr().unwrap());
        let (config, shutdown) = (self.config.clone(), self.shutdown.clone());
        self.running = Some(thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                epoca::http::serve(config, listener, shutdown).await
            })
        }));
    }

    async fn wait_until_it_answers(&mut self) {
        if crate::support::get(format!("{}/livez", self.url)).await.is_err() {
            panic!("the service did not start: {:?}", self.stop());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.stop();
        if !thread::panicking() {
            ended.unwrap();
        }
    }
}
