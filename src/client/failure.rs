//! What goes wrong in a command, and the exit code of each kind.

use super::notes::note;
use std::{fmt, io};

/// How a command ends that does not succeed. The text is one line or several, for stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Something went wrong.
    Error(String),
    /// The arguments do not fit together.
    Usage(String),
    /// There is no such thing, or nobody listens.
    Missing(String),
    /// The service wants an API key, or another one.
    Denied(String),
    /// The job failed.
    JobFailed(String),
    /// The job was cancelled.
    JobCancelled(String),
    /// Ctrl-C.
    Interrupted(String),
    /// The reader of stdout has gone, as `head` does.
    ClosedPipe,
}

/// The exit codes for `--help` and the manual page.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    an error
  2    wrong usage
  3    no such file, dataset, model or job, or nobody listens
  4    the service wants an API key, or the key may not do this
  5    the job failed
  6    the job was cancelled
  130  Ctrl-C; the job itself continues, and with --local is cancelled";

impl Failure {
    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Error(_) => 1,
            Self::Usage(_) => 2,
            Self::Missing(_) => 3,
            Self::Denied(_) => 4,
            Self::JobFailed(_) => 5,
            Self::JobCancelled(_) => 6,
            Self::Interrupted(_) => 130,
        }
    }

    /// Writes the text to stderr; a closed pipe is not worth a word.
    pub fn print(&self) {
        match self {
            Self::ClosedPipe => {}
            Self::Interrupted(text) => note(text),
            other => note(format_args!("error: {other}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text)
            | Self::Usage(text)
            | Self::Missing(text)
            | Self::Denied(text)
            | Self::JobFailed(text)
            | Self::JobCancelled(text)
            | Self::Interrupted(text) => f.write_str(text),
            Self::ClosedPipe => f.write_str("stdout was closed"),
        }
    }
}

impl std::error::Error for Failure {}

/// What failed at a file, as an exit code and a text.
pub fn of_file(doing: &str, file: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::Missing(format!("cannot {doing} {file}: there is no such file or folder")),
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::Error(format!("cannot {doing} {file}: {error}")),
    }
}

/// What failed on stdout.
pub fn of_stdout(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::Error(format!("cannot write to stdout: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        let every = [
            Failure::ClosedPipe,
            Failure::Error(String::new()),
            Failure::Usage(String::new()),
            Failure::Missing(String::new()),
            Failure::Denied(String::new()),
            Failure::JobFailed(String::new()),
            Failure::JobCancelled(String::new()),
            Failure::Interrupted(String::new()),
        ];
        let listed: Vec<u8> =
            EXIT_CODES.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
        assert_eq!(every.iter().map(Failure::code).collect::<Vec<_>>(), listed);
    }
}
