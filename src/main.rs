//! The commands. `serve` is the default.

use anyhow::Context;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use epoca::{
    client::{self, ClientCommand},
    config::{Config, ServiceLimits, with_variable, without_empty_variables},
    demo::{self, Demo},
    engine,
    http::{self, tls},
    keras,
    keys::{self, KeyCommand},
    log,
    store::{Store, artifacts::Artifacts, backup, sqlite::SqliteStore},
};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    io::{ErrorKind, IsTerminal, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_rustls::rustls::{ClientConnection, StreamOwned, pki_types::ServerName};
use tokio_util::sync::CancellationToken;

/// The C library's allocator took a seventh of a single-row prediction's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code of wrong arguments.
const USAGE: u8 = 2;

/// How long the health check waits for an answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// What the help says after the flags.
const EXAMPLES: &str = "\
Examples:
  epoca                                              serve on 127.0.0.1:8080
  epoca train --data iris.csv --target species       in another terminal: train a model on a table
  epoca predict @last new.csv -o predicted.csv       and use it

`epoca serve --help` lists every flag of the service.";

/// Trains, tracks and serves machine-learning models over HTTP; without a command it serves
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = format!("{EXAMPLES}\n\n{}", client::EXIT_CODES))]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API and trains jobs in one process (the default)
    Serve(Box<Config>),
    #[command(flatten)]
    Client(ClientCommand),
    /// Trains models on three real tables over HTTP, in a temporary folder
    Demo(Demo),
    /// Creates the database or updates its tables, and exits
    Migrate(Box<Config>),
    /// Copies the database and all artifacts into one file, also while the service runs
    Backup(Box<FileCommand>),
    /// Makes the database and the artifacts from a file that `backup` wrote
    Restore(Box<FileCommand>),
    /// Verifies the database and the checksum of every artifact, also while the service runs
    Check(Box<Config>),
    /// Lists artifacts that no record refers to, or removes those older than a day; the service must not run
    Gc(Box<GcCommand>),
    /// Creates, lists and revokes API keys
    #[command(subcommand)]
    Keys(KeyCommand),
    /// Prints the OpenAPI description in YAML
    Openapi,
    /// Prints every layer, loss, optimizer … in Markdown
    Layers,
    /// Prints which of Keras's classes and options are supported, in Markdown
    Keras,
    /// Checks whether the service on this machine is alive; for container health checks
    Health(Box<Config>),
    /// Prints the completions of a shell: `source <(epoca completions bash)`
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the manual page: `epoca man | man -l -`
    Man {
        /// Of this command: `train`, or `jobs compare`
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct FileCommand {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Args)]
struct GcCommand {
    /// Remove them, and give the space of deleted records back to the system
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: Config,
}

/// The command line. Its help lists the commands; `serve --help` has the flags that few need.
fn command_line() -> clap::Command {
    let is_common = |arg: &clap::Arg| ["listen", "data_dir", "help", "version"].contains(&arg.get_id().as_str());
    Cli::command().mut_args(|arg| if is_common(&arg) { arg } else { arg.hide(true) })
}

/// `mi_option_purge_delay` of mimalloc's `mi_option_t`: milliseconds until free memory goes back to the system.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Returns freed memory to the system at once; by default the allocator keeps it for a second.
#[allow(unsafe_code, reason = "the allocator has no safe interface for its options")]
fn purge_without_delay() {
    // SAFETY: this version has the option, and no other thread runs yet.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) };
}

fn main() -> ExitCode {
    purge_without_delay();
    let mut command = without_empty_variables(command_line());
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => return explain(&client::with_tip(with_variable(error, &command, std::env::args_os()))),
    };
    if let Some(Command::Client(command)) = cli.command {
        return run_client(command);
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<clap::Error>() => error.downcast_ref().map_or(ExitCode::FAILURE, explain),
        Err(error) => {
            client::note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints the help, the version, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> ExitCode {
    match error.print().and_then(|()| std::io::stdout().flush()) {
        Err(cannot) if !error.use_stderr() && cannot.kind() != ErrorKind::BrokenPipe => {
            client::note(format_args!("error: cannot write to stdout: {cannot}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::from(if error.use_stderr() { USAGE } else { 0 }),
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let command = cli.command.unwrap_or_else(|| Command::Serve(Box::new(cli.config)));
    match command {
        Command::Serve(config) => {
            log::start(&config)?;
            runtime()?.block_on(serve(*config))
        }
        Command::Demo(demo) => runtime()?.block_on(async {
            let shutdown = CancellationToken::new();
            cancel_on_signal(shutdown.clone())?;
            demo::run(demo, shutdown).await
        }),
        Command::Migrate(config) => {
            log::start(&config)?;
            runtime()?.block_on(migrate(&config))
        }
        Command::Backup(command) => runtime()?.block_on(async {
            let FileCommand { file, config } = *command;
            let copied = backup::backup(&config.database_file(), &config.artifacts_folder(), &file).await?;
            print(format!("{}: {} artifacts, {} bytes\n", file.display(), copied.artifacts, copied.bytes).as_bytes())
        }),
        Command::Restore(command) => runtime()?.block_on(async {
            let FileCommand { file, config } = *command;
            let (database, artifacts) = (config.database_file(), config.artifacts_folder());
            let copied = backup::restore(&file, &database, &artifacts).await?;
            let text = format!("{}: {} artifacts, {} bytes\n", database.display(), copied.artifacts, copied.bytes);
            print(text.as_bytes())
        }),
        Command::Check(config) => runtime()?.block_on(check(&config)),
        Command::Gc(command) => runtime()?.block_on(gc(*command)),
        Command::Keys(command) => {
            let (out, note) = runtime()?.block_on(keys::run(command))?;
            client::tell(&note);
            let is_new = !out.is_empty() && !note.is_empty();
            let printed = print(out.as_bytes());
            if is_new { printed.context("the key exists and is lost: revoke it, and create another") } else { printed }
        }
        Command::Openapi => print(&http::routes::document()?.yaml()),
        Command::Layers => print(engine::reference::markdown().as_bytes()),
        Command::Keras => print(keras::reference::markdown().as_bytes()),
        Command::Health(config) => check_health(&config),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command_line(), "epoca", &mut script);
            print(&script)
        }
        Command::Man { command } => print(&manual(&command)?),
        // `main` runs them, for their exit codes.
        Command::Client(_) => Ok(()),
    }
}

/// Runs a command that talks to a service; what it waits for on stdin does not keep the process.
fn run_client(command: ClientCommand) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            client::note(format_args!("error: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(client::run(command));
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.code().into()
        }
    }
}

/// The manual page of the program, or of a command, in roff.
fn manual(names: &[String]) -> anyhow::Result<Vec<u8>> {
    let mut command = command_line().name("epoca").display_name("epoca");
    command.build();
    for (depth, name) in names.iter().enumerate() {
        let Some(known) = command.find_subcommand(name).cloned() else {
            let text = format!("there is no command {:?}", names[..=depth].join(" "));
            return Err(command_line().error(clap::error::ErrorKind::InvalidSubcommand, text).into());
        };
        command = known;
    }
    command = command.display_name([&["epoca".to_owned()][..], names].concat().join("-"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

/// Writes to stdout; a reader that closes the pipe early is no error.
fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to stdout"),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

async fn serve(mut config: Config) -> anyhow::Result<()> {
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let shutdown = CancellationToken::new();
    cancel_on_signal(shutdown.clone())?;
    allow_open_files(&mut config.limits);
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    let announce = || {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "listening on {scheme}://{address}")?;
        if stdout.is_terminal() {
            // A browser reaches every address as this machine's own.
            let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
            let host = if address.is_ipv6() && host != "localhost" { format!("[{host}]") } else { host };
            client::note(format_args!("the page: {scheme}://{host}:{}/", address.port()));
        }
        stdout.flush()
    };
    http::serve_once_open(config, listener, shutdown, announce).await
}

/// Files that are open beside those of connections: the database, uploads, and the weights of models.
const OTHER_FILES: u64 = 256;

/// Raises the limit of open files as far as the process may, and keeps the connections below it.
fn allow_open_files(limits: &mut ServiceLimits) {
    let mut files = getrlimit(Resource::Nofile);
    let wanted = limits.max_connections as u64 + OTHER_FILES;
    if files.current.is_some_and(|current| current < wanted) {
        files.current = Some(files.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        if let Err(error) = setrlimit(Resource::Nofile, files) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = usize::try_from(allowed.saturating_sub(OTHER_FILES).max(allowed / 2)).unwrap_or(usize::MAX);
    if limits.max_connections > most {
        tracing::warn!(
            connections = most,
            open_files = allowed,
            "--max-connections is lowered to the limit of open files"
        );
        limits.max_connections = most.max(1);
    }
}

/// SIGTERM, SIGINT, or SIGHUP where it is not ignored (`nohup`), starts a graceful end; a second one ends the process at once.
fn cancel_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
    tokio::spawn(async move {
        for signals in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = async { hangup.as_mut()?.recv().await }, if hangup.is_some() => {}
            }
            if signals > 1 {
                std::process::exit(1);
            }
            tracing::info!("shutting down");
            shutdown.cancel();
        }
    });
    Ok(())
}

/// Whether the process was started with SIGHUP ignored, or the system does not say so.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_none_or(|ignored| ignored & 1 == 1)
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let file = config.database_file();
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    SqliteStore::open(&file).await?;
    print(format!("{} is up to date\n", file.display()).as_bytes())
}

async fn check(config: &Config) -> anyhow::Result<()> {
    let (wrong, artifacts) = backup::check(&config.database_file(), &config.artifacts_folder()).await?;
    wrong.iter().try_for_each(|problem| print(format!("{problem}\n").as_bytes()))?;
    anyhow::ensure!(wrong.is_empty(), "{} problems in the database and {artifacts} artifacts", wrong.len());
    print(format!("the database and {artifacts} artifacts are whole\n").as_bytes())
}

async fn gc(command: GcCommand) -> anyhow::Result<()> {
    let GcCommand { yes, config } = command;
    let file = config.database_file();
    anyhow::ensure!(file.is_file(), "expected a database, {} does not exist", file.display());
    let store = SqliteStore::open(&file).await?;
    let artifacts = Artifacts::open(&config.artifacts_folder())?;
    let needed = store.artifacts().await?;
    artifacts.claim(&store.identity().await?, &needed)?;
    let found = artifacts.leftovers(needed).await?;
    found.old.iter().try_for_each(|file| print(format!("{}\n", file.display()).as_bytes()))?;
    let (count, all, bytes, young) = (found.old.len(), found.all, found.old_bytes, found.young);
    let mut text =
        format!("{count} of {all} artifacts belong to no record: {bytes} bytes; {young} more are younger than a day\n");
    if yes {
        found.remove().context("cannot remove them")?;
        store.vacuum().await?;
        text.push_str("removed\n");
    } else if count > 0 {
        text.push_str("nothing is removed; --yes removes them\n");
    }
    store.close().await?;
    print(text.as_bytes())
}

fn check_health(config: &Config) -> anyhow::Result<()> {
    let listen = config.listen;
    let mut address = listen;
    if listen.ip().is_unspecified() {
        address.set_ip(if listen.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let stream = TcpStream::connect_timeout(&address, HEALTH_TIMEOUT)
        .with_context(|| format!("nothing listens on {address}"))?;
    stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
    stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
    let answer = match &config.tls_cert {
        None => probe(stream, address),
        Some(certificate) => {
            let client = Arc::new(tls::pinned_client(certificate)?);
            let client = ClientConnection::new(client, ServerName::from(address.ip()))?;
            probe(StreamOwned::new(client, stream), address)
        }
    };
    let answer = answer.with_context(|| format!("no answer from {address}"))?;
    let status = answer.split(' ').nth(1).unwrap_or("nothing");
    anyhow::ensure!(status == "200", "expected 200 from {address}, received {status}");
    Ok(())
}

fn probe(mut stream: impl Read + Write, address: SocketAddr) -> std::io::Result<String> {
    stream.write_all(format!("GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        // The end of TLS may be missing.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}
