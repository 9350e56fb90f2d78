//! Streams that are full, or that nobody reads any more.

use super::{Done, Shell, epoca, example};
use std::{
    fs::File,
    process::{Command, Output, Stdio},
};

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// Runs a command whose stderr has no reader.
fn without_stderr(mut command: Command) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stderr(writer).output().unwrap()
}

#[test]
fn a_full_disk_behind_stdout_is_an_error() {
    let shell = Shell::start();
    let train = ["train", "--data", &example("iris.csv"), "--target", "species", "--epochs", "1"];
    shell.run(&train).succeeded();
    for arguments in [
        &["jobs"][..],
        &["jobs", "show", "--json"],
        &["predict", "@last", &example("iris.csv")],
        &["export", "@last", "-o", "-"],
        &["logs"],
        &["--help"],
        &["train", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["man", "train"],
    ] {
        let done = Done::of(shell.command(arguments).stdout(full()).output().unwrap());
        assert!(done.code == 1 && done.err.contains("cannot write to stdout: "), "{arguments:?}: {done:#?}");
    }
}

#[test]
fn a_command_goes_on_where_nobody_reads_its_messages() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    let train = ["train", "--data", &iris, "--target", "species", "--epochs", "5", "--json"];
    let output = without_stderr(shell.command(&train));
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    for (arguments, code) in [
        (&["jobs", "show", "zz"][..], 3),
        (&["jobs", "shwo"], 2),
        (&["keys", "revoke", "nobody"], 1),
        (&["datasets", "rm", "nothing"], 3),
    ] {
        let mut command = shell.command(arguments);
        command.env("EPOCA_DATA_DIR", shell.path("keys"));
        assert_eq!(without_stderr(command).status.code(), Some(code), "{arguments:?}");
        let mut command = shell.command(arguments);
        command.env("EPOCA_DATA_DIR", shell.path("keys")).stderr(full());
        assert_eq!(command.status().unwrap().code(), Some(code), "{arguments:?}");
    }
    assert!(without_stderr(epoca(&["--help"])).status.success());
}

#[test]
fn a_key_that_is_not_printed_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = epoca(&["keys", "create", "--name", "ci", "--scopes", "read"]);
    command.env("EPOCA_DATA_DIR", folder.path()).stdout(full());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("is lost: revoke it"), "{said}");
}
