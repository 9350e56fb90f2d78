//! Settings of the process: one [`Config`] from flags and `EPOCA_*` variables, checked once.

use crate::{
    data::read::TableLimits,
    engine::spec::Limits,
    memory::{self, Memory},
    store::Retention,
};
use clap::{
    Args, Parser, ValueEnum,
    error::{ContextKind, ContextValue},
};
use std::{
    ffi::{OsStr, OsString},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    thread,
    time::Duration,
};

/// Settings of the process.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where to listen; port 0 picks a free one, and the first line on stdout names it
    #[arg(long, env = "EPOCA_LISTEN", default_value = "127.0.0.1:8080", value_parser = address, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,

    /// The folder that holds the database and the artifacts, unless these are set on their own
    #[arg(long, env = "EPOCA_DATA_DIR", default_value = "./epoca-data", value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// The database: sqlite:FILE [default: sqlite:DATA_DIR/epoca.sqlite3]
    #[arg(long, env = "EPOCA_DATABASE_URL", value_parser = sqlite_file, value_name = "URL")]
    pub database_url: Option<PathBuf>,

    /// The artifacts: file:FOLDER [default: file:DATA_DIR/artifacts]
    #[arg(long, env = "EPOCA_ARTIFACTS_URL", value_parser = artifacts_folder, value_name = "URL")]
    pub artifacts_url: Option<PathBuf>,

    /// Jobs that train at a time
    #[arg(long, env = "EPOCA_WORKERS", default_value_t = 1, value_parser = at_least_one(1024), value_name = "N")]
    pub workers: usize,

    /// Compute threads of a job, and of a large prediction [default: CPUs / workers]
    #[arg(long, env = "EPOCA_THREADS", value_parser = at_least_one(1024), value_name = "N")]
    pub threads: Option<usize>,

    /// How the log on stderr is written
    #[arg(long, env = "EPOCA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// What is logged: a level, or tracing directives such as `info,epoca::worker=debug`
    #[arg(long, env = "EPOCA_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// An origin whose pages may call the service, or `*`; repeat it, or separate several by commas. None by default
    #[arg(long = "cors-origin", env = "EPOCA_CORS_ORIGINS", value_delimiter = ',', value_parser = origin, value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,

    /// A host name that the service answers to, such as a proxy's, or `*` for any; repeat it, or separate several by commas.
    /// Loopback and the address listened on are always allowed
    #[arg(long = "allowed-host", env = "EPOCA_ALLOWED_HOSTS", value_delimiter = ',', value_parser = host, value_name = "HOST")]
    pub allowed_hosts: Vec<String>,

    /// Days after which a job that ended loses its events, except those of its status [default: never]
    #[arg(long, env = "EPOCA_KEEP_EVENTS_DAYS", value_parser = days, value_name = "DAYS")]
    pub keep_events_days: Option<u32>,

    /// Days after which a job that ended is removed, unless it made a version that exists [default: never]
    #[arg(long, env = "EPOCA_KEEP_JOBS_DAYS", value_parser = days, value_name = "DAYS")]
    pub keep_jobs_days: Option<u32>,

    /// Days after which an entry of the audit log is removed [default: never]
    #[arg(long, env = "EPOCA_KEEP_AUDIT_DAYS", value_parser = days, value_name = "DAYS")]
    pub keep_audit_days: Option<u32>,

    /// Serves other machines without API keys until the first one exists
    #[arg(long, env = "EPOCA_INSECURE_NO_AUTH")]
    pub insecure_no_auth: bool,

    /// The certificate, in PEM with those that signed it, to serve HTTPS with; read again when it changes
    #[arg(long, env = "EPOCA_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the certificate, in PEM
    #[arg(long, env = "EPOCA_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Limits on what one request may bring
    #[command(flatten, next_help_heading = "Limits")]
    pub limits: ServiceLimits,

    /// How long things may take
    #[command(flatten, next_help_heading = "Timeouts")]
    pub timeouts: Timeouts,
}

/// Limits on what clients send; what passes one gets a 4xx that names both numbers.
#[derive(Debug, Clone, Args)]
pub struct ServiceLimits {
    /// Maximum bytes of an uploaded file
    #[arg(long, env = "EPOCA_MAX_UPLOAD_BYTES", default_value_t = 1 << 30, value_parser = positive, value_name = "N")]
    pub max_upload_bytes: u64,

    /// Maximum bytes of any other request body
    #[arg(long, env = "EPOCA_MAX_BODY_BYTES", default_value_t = 32 << 20, value_parser = at_least_one(1 << 40), value_name = "N")]
    pub max_body_bytes: usize,

    /// Maximum bytes of a request's headers
    #[arg(long, env = "EPOCA_MAX_HEADER_BYTES", default_value_t = 32 << 10, value_parser = at_least_one(1 << 20), value_name = "N")]
    pub max_header_bytes: usize,

    /// Minimum bytes a second at which a client must send a body and read an answer
    #[arg(long, env = "EPOCA_MIN_BYTES_PER_SECOND", default_value_t = 1024, value_parser = positive_32, value_name = "N")]
    pub min_bytes_per_second: u32,

    /// Maximum connections of one client address at a time [default: three quarters of all]
    #[arg(long, env = "EPOCA_MAX_CONNECTIONS_PER_ADDRESS", value_parser = at_least_one(1 << 20), value_name = "N")]
    pub max_connections_per_address: Option<usize>,

    /// Maximum connections at a time
    #[arg(long, env = "EPOCA_MAX_CONNECTIONS", default_value_t = 4096, value_parser = at_least_one(1 << 20), value_name = "N")]
    pub max_connections: usize,

    /// Maximum uploads at a time
    #[arg(long, env = "EPOCA_MAX_UPLOADS", default_value_t = 16, value_parser = at_least_one(1 << 16), value_name = "N")]
    pub max_uploads: usize,

    /// Maximum rows of a table
    #[arg(long, env = "EPOCA_MAX_ROWS", default_value_t = 100_000_000, value_parser = positive, value_name = "N")]
    pub max_rows: u64,

    /// Maximum columns of a table
    #[arg(long, env = "EPOCA_MAX_COLUMNS", default_value_t = 10_000, value_parser = at_least_one(1 << 24), value_name = "N")]
    pub max_columns: usize,

    /// Maximum bytes of one cell of a table
    #[arg(long, env = "EPOCA_MAX_CELL_BYTES", default_value_t = 1 << 20, value_parser = at_least_one(1 << 30), value_name = "N")]
    pub max_cell_bytes: usize,

    /// Maximum layers of a model
    #[arg(long, env = "EPOCA_MAX_LAYERS", default_value_t = 2000, value_parser = at_least_one(1 << 20), value_name = "N")]
    pub max_layers: usize,

    /// Maximum parameters of a model
    #[arg(long, env = "EPOCA_MAX_PARAMETERS", default_value_t = 100_000_000, value_parser = positive, value_name = "N")]
    pub max_parameters: u64,

    /// Maximum bytes of memory that jobs, predictions, previews and bodies take together; k, M and G are allowed [default: 80% of the
    /// machine or its control group]
    #[arg(long, env = "EPOCA_MAX_MEMORY", value_parser = bytes, value_name = "BYTES")]
    pub max_memory: Option<u64>,

    /// Maximum bytes of the answer of a prediction
    #[arg(long, env = "EPOCA_MAX_ANSWER_BYTES", default_value = "256M", value_parser = bytes, value_name = "BYTES")]
    pub max_answer_bytes: u64,

    /// Maximum bytes of memory that a model may need to train
    #[arg(long, env = "EPOCA_MAX_MODEL_MEMORY_BYTES", default_value_t = 4 << 30, value_parser = positive, value_name = "N")]
    pub max_model_memory_bytes: u64,
}

/// How long a client may keep the service waiting, and the other way round. All in seconds.
#[derive(Debug, Clone, Args)]
pub struct Timeouts {
    /// For a request's headers to arrive, and for which an idle connection is kept
    #[arg(long, env = "EPOCA_HEADER_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub header_timeout: Duration,

    /// For the next part of a body to arrive
    #[arg(long, env = "EPOCA_BODY_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub body_timeout: Duration,

    /// For a client to read the next part of an answer
    #[arg(long, env = "EPOCA_WRITE_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub write_timeout: Duration,

    /// For a request to be answered; uploads and event streams have no such end
    #[arg(long, env = "EPOCA_REQUEST_TIMEOUT", default_value = "60", value_parser = seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,

    /// From the end of the service's life being asked for to requests being cut off
    #[arg(long, env = "EPOCA_SHUTDOWN_TIMEOUT", default_value = "8", value_parser = seconds, value_name = "SECONDS")]
    pub shutdown_timeout: Duration,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// A JSON object a line.
    Json,
}

/// The flags alone, to read them without a command line.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// An empty environment variable counts as unset.
pub fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None::<&str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// The error of a value with the name of the variable that it came from, where the arguments do not have its flag.
pub fn with_variable(
    mut error: clap::Error,
    command: &clap::Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> clap::Error {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return error };
    let flag = shown.split([' ', '=']).next().unwrap_or_default();
    let is_given = arguments.into_iter().any(|given| given.to_string_lossy().split('=').next() == Some(flag));
    let variable = flag.strip_prefix("--").filter(|_| !is_given).and_then(|name| variable_of(command, name));
    if let Some(variable) = variable {
        let tip = format!("the value is that of the environment variable {variable}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The variable of a flag, where it has a value.
fn variable_of(command: &clap::Command, flag: &str) -> Option<String> {
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    let variable = argument.and_then(|argument| argument.get_env()).filter(|name| std::env::var_os(name).is_some());
    let of_subcommands = || command.get_subcommands().find_map(|command| variable_of(command, flag));
    variable.map(|name| name.to_string_lossy().into_owned()).or_else(of_subcommands)
}

impl Default for Config {
    /// The defaults of every flag, without a look at the environment.
    fn default() -> Self {
        let command = <Flags as clap::CommandFactory>::command().mut_args(|arg| arg.env(None::<&str>));
        let matches = command.get_matches_from(std::iter::empty::<&str>());
        match <Flags as clap::FromArgMatches>::from_arg_matches(&matches) {
            Ok(flags) => flags.config,
            Err(error) => error.exit(),
        }
    }
}

impl Config {
    /// What the `EPOCA_*` variables say, and defaults for the rest.
    pub fn from_variables() -> Result<Self, clap::Error> {
        let mut command = without_empty_variables(<Flags as clap::CommandFactory>::command());
        let matches = command.try_get_matches_from_mut(std::iter::empty::<&str>());
        let matches = matches.map_err(|error| with_variable(error, &command, []))?;
        Ok(<Flags as clap::FromArgMatches>::from_arg_matches(&matches)?.config)
    }

    /// The file of the SQLite database.
    pub fn database_file(&self) -> PathBuf {
        self.database_url.clone().unwrap_or_else(|| self.data_dir.join("epoca.sqlite3"))
    }

    /// The folder of the artifacts.
    pub fn artifacts_folder(&self) -> PathBuf {
        self.artifacts_url.clone().unwrap_or_else(|| self.data_dir.join("artifacts"))
    }

    /// How long ended jobs and the audit log are kept.
    pub fn retention(&self) -> Retention {
        Retention { event_days: self.keep_events_days, job_days: self.keep_jobs_days, audit_days: self.keep_audit_days }
    }

    /// Compute threads of a job and of a large prediction: all CPUs, shared among the workers, unless set.
    pub fn compute_threads(&self) -> usize {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or((cpus / self.workers).max(1))
    }
}

impl ServiceLimits {
    /// All memory that is reserved from.
    pub fn memory(&self) -> Memory {
        Memory::new(self.max_memory.unwrap_or_else(memory::default_total))
    }

    /// The part that concerns models.
    pub fn model(&self) -> Limits {
        Limits { layers: self.max_layers, parameters: self.max_parameters, memory_bytes: self.max_model_memory_bytes }
    }

    /// Maximum connections of one client address.
    pub fn connections_per_address(&self) -> usize {
        self.max_connections_per_address.unwrap_or((self.max_connections * 3).div_ceil(4))
    }

    /// The part that concerns tables.
    pub fn table(&self) -> TableLimits {
        TableLimits { rows: self.max_rows, columns: self.max_columns, cell_bytes: self.max_cell_bytes }
    }
}

fn at_least_one(max: u64) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| whole(text, max)
}

fn positive(text: &str) -> Result<u64, String> {
    whole(text, i64::MAX.unsigned_abs())
}

fn positive_32(text: &str) -> Result<u32, String> {
    whole(text, u32::MAX.into())
}

fn days(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("expected a whole number of days, such as 30, received {text:?}"))
}

fn whole<N: TryFrom<u64>>(text: &str, max: u64) -> Result<N, String> {
    let number = text.parse::<u64>().ok().filter(|number| (1..=max).contains(number));
    let number = number.and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| format!("expected a whole number from 1 to {max}, received {text:?}"))
}

/// A number of bytes, also as 512M or 8G.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [('k', 10), ('K', 10), ('M', 20), ('G', 30)];
    let unit = units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| format!("expected bytes such as 8000000000, 512M or 8G, received {text:?}"))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let parsed = numeric.as_deref().unwrap_or(text).parse();
    parsed.map_err(|_| format!("expected an IP address and a port such as 127.0.0.1:8080, received {text:?}"))
}

fn sqlite_file(url: &str) -> Result<PathBuf, String> {
    local_path(url, "sqlite", "FILE")
}

fn artifacts_folder(url: &str) -> Result<PathBuf, String> {
    local_path(url, "file", "FOLDER")
}

fn local_path(url: &str, scheme: &str, what: &str) -> Result<PathBuf, String> {
    let path = url
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_prefix(':'))
        .map(|rest| rest.strip_prefix("//").unwrap_or(rest))
        .filter(|path| !path.is_empty() && !path.starts_with(':'));
    path.map(PathBuf::from).ok_or_else(|| format!("expected {scheme}:{what}, received {url:?}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected seconds above 0 and at most 86400, received {text:?}");
    let seconds = text.parse::<f64>().map_err(|_| expected())?;
    if seconds > 0.0 && seconds <= 86_400.0 { Ok(Duration::from_secs_f64(seconds)) } else { Err(expected()) }
}

fn host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if text == "*" || is_name || name.parse::<IpAddr>().is_ok() {
        Ok(name.trim_end_matches('.').to_ascii_lowercase())
    } else {
        Err(format!("expected `*` or a host name without a port, such as epoca.example.org, received {text:?}"))
    }
}

fn origin(text: &str) -> Result<String, String> {
    let has_host = text.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '?', '#', ' '])
    });
    let sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text == "*" || (has_host && sendable) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected `*` or an origin such as https://example.org, received {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        config: Config,
    }

    fn parse(flags: &[&str]) -> Result<Config, String> {
        let all = std::iter::once("epoca").chain(flags.iter().copied());
        Flags::try_parse_from(all).map(|flags| flags.config).map_err(|error| error.to_string())
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_name() {
        for (flag, value, word) in [
            ("--workers", "0", "from 1 to 1024, received \"0\""),
            ("--threads", "many", "from 1 to 1024, received \"many\""),
            ("--max-upload-bytes", "1e9", "whole number"),
            ("--max-upload-bytes", "0", "from 1 to"),
            ("--max-body-bytes", "-1", "-1"),
            ("--request-timeout", "0", "above 0"),
            ("--request-timeout", "NaN", "above 0"),
            ("--listen", "nowhere", "such as 127.0.0.1:8080, received \"nowhere\""),
            ("--log-format", "yaml", "json"),
            ("--max-memory", "8 GB", "such as 8000000000, 512M or 8G"),
            ("--max-memory", "0", "such as 8000000000"),
            ("--database-url", "postgres://localhost/epoca", "expected sqlite:FILE"),
            ("--database-url", "mysql:x", "sqlite:FILE"),
            ("--artifacts-url", "s3://bucket", "expected file:FOLDER"),
            ("--cors-origin", "example.org", "https://example.org"),
            ("--allowed-host", "http://example.org", "such as epoca.example.org"),
            ("--allowed-host", "example.org:80", "without a port"),
        ] {
            let text = parse(&[&format!("{flag}={value}")]).unwrap_err();
            assert!(text.contains(flag) && text.contains(word), "{flag} {value}: {text}");
        }
    }

    #[test]
    fn places_follow_the_data_folder_unless_set() {
        let config = parse(&["--data-dir", "d"]).unwrap();
        assert_eq!(config.database_file(), PathBuf::from("d/epoca.sqlite3"));
        assert_eq!(config.artifacts_folder(), PathBuf::from("d/artifacts"));
        let config = parse(&["--database-url", "sqlite:/a/b.db", "--artifacts-url", "file:///c"]).unwrap();
        assert_eq!(config.database_file(), PathBuf::from("/a/b.db"));
        assert_eq!(config.artifacts_folder(), PathBuf::from("/c"));
    }

    #[test]
    fn bytes_have_units() {
        for (text, bytes) in [("1", 1), ("2k", 2048), ("512M", 512 << 20), ("8G", 8 << 30)] {
            assert_eq!(parse(&["--max-memory", text]).unwrap().limits.max_memory, Some(bytes));
        }
    }

    #[test]
    fn localhost_is_an_address() {
        assert_eq!(parse(&["--listen", "localhost:8081"]).unwrap().listen.to_string(), "127.0.0.1:8081");
    }

    #[test]
    fn threads_are_the_cpus_shared_among_the_workers() {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(Config::default().compute_threads(), cpus);
        assert_eq!(Config { workers: 10 * cpus, ..Config::default() }.compute_threads(), 1);
        assert_eq!(Config { threads: Some(3), ..Config::default() }.compute_threads(), 3);
    }
}
