//! The commands that talk to a service: clients of the HTTP API like any other, below `/v1` only.
//!
//! Data goes to stdout, progress and messages to stderr. `commands` has a file a command.

mod api;
mod commands;
mod connection;
mod decoded;
mod definition;
mod describe;
mod failure;
mod follow;
mod json_rows;
mod list;
mod names;
mod notes;
mod output;
mod predictions;
mod progress;
mod records;
mod rows;
mod settings;
mod sink;
mod source;
mod sse;
mod suggest;
mod table_rows;
mod tips;
mod upload;
mod watch;

pub use api::install_tls;
pub use failure::{EXIT_CODES, Failure};
pub use notes::{note, tell};
pub use tips::with_tip;

use api::Api;
use clap::{Args, Subcommand};
use commands::{datasets, export, jobs, logs, models, predict, train};
use connection::Connection;

/// A command with the service that it talks to.
#[derive(Debug, Clone, Args)]
pub struct With<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    connection: Connection,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum ClientCommand {
    /// Trains a model on a table, and shows how it learns
    Train(Box<With<train::Train>>),
    /// Predicts the rows of a file
    Predict(Box<With<predict::Predict>>),
    /// Writes the weights of a model to a file
    Export(Box<With<export::Export>>),
    /// Prints the events of a job
    Logs(Box<With<logs::Logs>>),
    /// Shows a job while it runs
    Watch(Box<With<commands::watch::Watch>>),
    /// Lists jobs; shows, cancels or compares them
    #[command(alias = "job")]
    Jobs(Box<With<jobs::Jobs>>),
    /// Lists datasets; uploads, shows or deletes them
    #[command(alias = "dataset")]
    Datasets(Box<With<datasets::Datasets>>),
    /// Lists models; adds, shows or deletes them
    #[command(alias = "model")]
    Models(Box<With<models::Models>>),
}

/// Shows the job `id` of the service at `url` until it has ended; fails where it does not succeed.
pub async fn watch_job(url: &str, id: &str) -> Result<(), Failure> {
    let api = Api::new(url, None, None, format!(" --url {url}"))?;
    let job = names::job(&api, id).await?;
    watch::verdict(&watch::to_end(&api, &job, watch::Shown::Progress).await?)
}

/// Runs a command. Ctrl-C ends it; a job that it watches continues, except where the service ends with the command.
pub async fn run(command: ClientCommand) -> Result<(), Failure> {
    macro_rules! with {
        ($command:expr, $run:path) => {{
            let With { arguments, connection } = *$command;
            connection.with(async |api| $run(&api, arguments).await).await
        }};
    }
    match command {
        ClientCommand::Train(command) => with!(command, train::run),
        ClientCommand::Predict(command) => with!(command, predict::run),
        ClientCommand::Export(command) => with!(command, export::run),
        ClientCommand::Logs(command) => with!(command, logs::run),
        ClientCommand::Watch(command) => with!(command, commands::watch::run),
        ClientCommand::Jobs(command) => with!(command, jobs::run),
        ClientCommand::Datasets(command) => with!(command, datasets::run),
        ClientCommand::Models(command) => with!(command, models::run),
    }
}
