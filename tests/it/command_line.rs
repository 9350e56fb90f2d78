//! The commands that talk to a service, run as a user runs them: the binary with arguments, its two streams and its exit code.

mod control;
mod failures;
mod interrupted;
mod predictions;
mod readme;
mod streams;
mod training;

use crate::support::Process;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A service, and commands in a folder of their own.
struct Shell {
    service: Process,
    folder: tempfile::TempDir,
}

impl Shell {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { service: Process::start(&folder.path().join("data"), &[]), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = epoca(arguments);
        command.env("EPOCA_URL", self.service.url()).current_dir(self.folder.path());
        command
    }

    /// Runs a command to its end.
    fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().unwrap())
    }

    /// What `GET` answers below `/v1`.
    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/v1/{path}", self.service.url());
        crate::support::get(url).await.unwrap().json().await.unwrap()
    }
}

/// How a command ended.
#[derive(Debug)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// One failure, on stderr alone.
    #[track_caller]
    fn failed(self, code: i32, says: &str) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.err.contains(says) && self.out.is_empty(), "{says:?} is not in {self:#?}");
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The binary, without the variables of whoever runs the tests.
fn epoca(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_epoca"));
    for name in ["EPOCA_URL", "EPOCA_API_KEY", "EPOCA_DATA_DIR", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A file of `examples/data/`.
fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(name).to_str().unwrap().to_owned()
}
