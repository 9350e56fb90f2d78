//! The commands of the binary.

use std::{
    io::Read,
    process::{Command, Stdio},
};

fn epoca() -> Command {
    Command::new(env!("CARGO_BIN_EXE_epoca"))
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    for command in ["openapi", "layers", "keras"] {
        let mut child = epoca().arg(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
    }
}

#[test]
fn a_service_that_cannot_open_its_folder_does_not_say_that_it_listens() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = epoca().args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(file.path()).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
}

#[test]
fn empty_variables_count_as_unset_and_a_log_file_has_no_colour_codes() {
    let folder = tempfile::tempdir().unwrap();
    let migrate = |workers: &str| {
        let mut command = epoca();
        command.arg("migrate").env("EPOCA_WORKERS", workers).env("EPOCA_LOG", "debug");
        command.env("EPOCA_DATA_DIR", folder.path().join("data")).output().unwrap()
    };
    let done = migrate("");
    assert!(done.status.success(), "{done:?}");
    let log = String::from_utf8(done.stderr).unwrap();
    assert!(!log.is_empty() && !log.contains('\u{1b}'), "{log:?}");
    let refused = migrate("none");
    assert!(!refused.status.success(), "{refused:?}");
    let refused = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.contains("--workers") && refused.contains("environment variable EPOCA_WORKERS"), "{refused}");
    let given = epoca().args(["serve", "--workers=none"]).env("EPOCA_WORKERS", "2").output().unwrap();
    let given = String::from_utf8_lossy(&given.stderr);
    assert!(given.contains("--workers") && !given.contains("EPOCA_WORKERS"), "{given}");
}

#[test]
fn every_variable_may_be_empty() {
    let help = epoca().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let variables: Vec<&str> = help.split("[env: ").skip(1).filter_map(|rest| rest.split('=').next()).collect();
    assert!(variables.len() > 25 && variables.contains(&"EPOCA_CORS_ORIGINS"), "{variables:?}");
    let folder = tempfile::tempdir().unwrap();
    let mut command = epoca();
    command.envs(variables.iter().map(|variable| (variable, ""))).arg("migrate");
    let done = command.arg("--data-dir").arg(folder.path().join("data")).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
}
