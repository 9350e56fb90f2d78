//! Ctrl-C, cancelled jobs, and a service that goes away while a job is watched.

use super::{Done, Shell, epoca, example};
use crate::support::Process;
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

/// A command whose stderr has come to a line with `word`.
fn until(mut command: Command, word: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert!(err.read_line(&mut line).unwrap() > 0, "stderr ends before {word:?}");
    }
    (child, err)
}

fn rest(mut err: impl Read) -> String {
    let mut text = String::new();
    err.read_to_string(&mut text).unwrap();
    text
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
}

/// More epochs than the test waits for.
const LONG: [&str; 6] = ["--target", "species", "--epochs", "1000000", "--set", "early_stopping=null"];

#[tokio::test]
async fn ctrl_c_ends_the_watching_and_not_the_job() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    let train = [&["train", "--data", &iris][..], &LONG].concat();
    let (mut child, err) = until(shell.command(&train), "epoch ");
    interrupt(&child);
    let said = rest(err);
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    let job = shell.get("jobs").await["data"][0].take();
    let id = job["id"].as_str().unwrap();
    assert_eq!(job["status"], "running");
    for command in [format!("epoca watch {}", &id[..13]), format!("epoca jobs cancel {}", &id[..13])] {
        assert!(said.contains(&command), "no {command}: {said}");
    }
    // The line that was printed leads back, and a cancelled job has a code of its own.
    let (child, err) = until(shell.command(&["watch", &id[..13]]), "epoch ");
    let done = shell.run(&["jobs", "cancel", &id[..13]]).succeeded();
    assert!(done.err.contains(id), "{done:#?}");
    let said = rest(err);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(6), 0), "{said}");
    assert!(said.contains("was cancelled"), "{said}");
    let done = shell.run(&["logs", "@last", "-f"]).succeeded();
    assert!(done.out.trim_end().ends_with("cancelled"), "{done:#?}");
}

#[test]
fn ctrl_c_ends_a_command_that_waits_for_stdin() {
    let shell = Shell::start();
    shell.run(&["train", "--data", &example("iris.csv"), "--target", "species", "--epochs", "1"]).succeeded();
    let mut command = shell.command(&["predict", "@last", "-", "--to", "ndjson"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    // Its stdin stays open until it has ended.
    let _stdin = child.stdin.take();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
}

#[tokio::test]
async fn a_watched_job_is_followed_across_a_restart_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Process::start(&data, &[]);
    let (url, address) = (first.url().to_owned(), first.url().trim_start_matches("http://").to_owned());
    let command = |arguments: &[&str]| {
        let mut command = epoca(arguments);
        command.env("EPOCA_URL", &url);
        command
    };
    let iris = example("iris.csv");
    let train = [&["train", "--data", &iris][..], &LONG, &["--json", "--watch"]].concat();
    let mut child = command(&train).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let mut read: Vec<String> = lines.by_ref().take_while(|line| !line.contains("\"epoch\":5,")).collect();
    first.kill();
    let mut serve = epoca(&["serve", "--listen", &address, "--data-dir", data.to_str().unwrap()]);
    let mut second = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    read.extend(lines.by_ref().take_while(|line| !line.contains("\"attempt\":2")));
    let mut tries = 0;
    while Done::of(command(&["jobs", "cancel", "@last"]).output().unwrap()).code != 0 {
        tries += 1;
        assert!(tries < 100, "the job is not cancelled");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    read.extend(lines);
    assert_eq!(child.wait().unwrap().code(), Some(6));
    second.kill().unwrap();
    second.wait().unwrap();
    let ids: Vec<u64> = read
        .iter()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64())
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "no event comes twice");
}

#[test]
fn ctrl_c_cancels_the_job_of_a_service_that_ends_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let local = ["--local", "--data-dir", folder.path().to_str().unwrap()];
    let iris = example("iris.csv");
    let (mut child, err) = until(epoca(&[&["train", "--data", &iris][..], &LONG, &local].concat()), "epoch ");
    interrupt(&child);
    let said = rest(err);
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("the job is cancelled"), "{said}");
    // The next command finds the worker free.
    let train = [&["train", "--data", &iris, "--target", "species", "--epochs", "2"][..], &local].concat();
    Done::of(epoca(&train).output().unwrap()).succeeded();
    let listed = Done::of(epoca(&[&["jobs"][..], &local].concat()).output().unwrap()).succeeded().out;
    assert!(listed.contains("cancelled") && listed.contains("succeeded"), "{listed}");
}
