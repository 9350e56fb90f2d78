//! The service as a separate process: the real binary, which can be killed.

use crate::support::client;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A running `epoca serve`; it is killed when this is dropped.
pub struct Process {
    url: String,
    child: Child,
}

impl Process {
    /// Starts one on a free port with `data_dir` and more flags.
    pub fn start(data_dir: &Path, flags: &[&str]) -> Self {
        Self::spawn(Self::command(data_dir, flags), Stdio::null())
    }

    /// As [`Process::start`], with what it logs.
    pub fn logged(data_dir: &Path, flags: &[&str]) -> (Self, ChildStderr) {
        let mut process = Self::spawn(Self::command(data_dir, flags), Stdio::piped());
        let log = process.child.stderr.take().unwrap();
        (process, log)
    }

    /// As [`Self::start`], with an address space of `bytes`: an allocation past it fails, which ends the process. Stacks have the size that a
    /// user's machine gives them.
    pub fn start_within(bytes: u64, data_dir: &Path, flags: &[&str]) -> Self {
        let inner = Self::command(data_dir, flags);
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -v {} && exec \"$0\" \"$@\"", bytes >> 10)])
            .arg(inner.get_program())
            .args(inner.get_args())
            .env_remove("RUST_MIN_STACK");
        Self::spawn(command, Stdio::null())
    }

    /// Starts what `command` runs, whose first line must be that of the service.
    pub fn start_by(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self::of(child)
    }

    fn command(data_dir: &Path, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_epoca"));
        command.args(["serve", "--data-dir"]).arg(data_dir).args(flags);
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command
    }

    fn spawn(mut command: Command, log: Stdio) -> Self {
        Self::of(command.stdout(Stdio::piped()).stderr(log).spawn().unwrap())
    }

    fn of(mut child: Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("the first line is {line:?}"));
        Self { url: url.trim_end().to_owned(), child }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it at once (`kill -9`).
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end (SIGTERM), and says how it did and how long it took.
    pub async fn terminate(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let kill = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success());
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, started.elapsed());
            }
            assert!(started.elapsed() < Duration::from_secs(20), "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Polls job `id` until it has ended, and returns it.
    pub async fn wait_for_end(&self, id: &str) -> Value {
        client::wait_for_end(&self.url, id).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
