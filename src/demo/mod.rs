//! The `demo` command: three real tables, from upload to prediction, over real HTTP.
//!
//! It starts the service on a free port with a temporary folder and is then a client like any other: it watches jobs as the
//! commands do.

mod client;
mod output;
mod run;
mod summary;
mod tables;

use crate::{config::Config, http};
use anyhow::{Context, anyhow, ensure};
use client::Client;
use output::{say, without_closed_pipe};
use std::{net::Ipv4Addr, path::Path};
use tables::TABLES;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How the demo runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Demo {
    /// Leaves the service running afterwards, to try the printed lines on; ends with Ctrl-C
    #[arg(long)]
    pub keep: bool,
}

/// Runs the demo and prints it on stdout; `shutdown` ends a service that is kept. Fails where a step does, or where a model
/// is less accurate on the rows held out than such a network reaches.
pub async fn run(demo: Demo, shutdown: CancellationToken) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("epoca-demo-").tempdir().context("cannot make a temporary folder")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on a free port")?;
    let address = listener.local_addr()?;
    let config = Config { listen: address, data_dir: folder.path().join("data"), ..Config::default() };
    let ending = shutdown.child_token();
    let service = http::serve(config, listener, ending.clone());
    let demonstration = async {
        let client = Client::new(format!("http://{address}"), folder.path());
        let shown = tokio::select! {
            shown = run_tables(&client, folder.path()) => shown,
            () = shutdown.cancelled() => Err(anyhow!("stopped on request")),
        };
        let shown = if demo.keep { shown.and_then(|()| invite(&client)) } else { shown };
        if shown.is_ok() && demo.keep {
            shutdown.cancelled().await;
        }
        ending.cancel();
        shown.or_else(without_closed_pipe)
    };
    let (served, shown) = tokio::join!(service, demonstration);
    served.and(shown)
}

/// Says what can be done with a service that stays.
fn invite(client: &Client) -> anyhow::Result<()> {
    say("\nThe service stays: every line above can be pasted. Ctrl-C ends it.")?;
    say(format_args!("Its page: {}/", client.url()))
}

async fn run_tables(client: &Client, folder: &Path) -> anyhow::Result<()> {
    say(format_args!("epoca listens on {} and keeps its data in {}", client.url(), folder.display()))?;
    let mut results = Vec::with_capacity(TABLES.len());
    for table in &TABLES {
        results.push(run::run_table(client, table).await.with_context(|| format!("the table {}", table.name))?);
    }
    say(format_args!("\n{}", summary::table(&results)))?;
    let short: Vec<String> = results.iter().filter(|result| !result.is_enough()).map(ToString::to_string).collect();
    ensure!(short.is_empty(), "{}", short.join("; "));
    Ok(())
}
