//! Nothing that is stored is lost by starting, stopping, moving or copying.

use super::expect;
use crate::support::{Client, Process};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, SystemTime},
};

fn epoca(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_epoca")).args(arguments).output().unwrap()
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

async fn get(process: &Process, path: &str) -> Value {
    expect(Client::new().get(format!("{}{path}", process.url())).send().await.unwrap(), 200).await
}

/// A service with a dataset and a trained version.
async fn filled(folder: &Path) -> Process {
    let process = Process::start(folder, &[]);
    super::upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    let layers = json!([{"type": "dense", "units": 1}]);
    let job = super::train(&process, "m", layers, "d", json!({"epochs": 20})).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    process
}

async fn predict(process: &Process) -> Value {
    let body = json!({"instances": [[1], [2]]});
    expect(super::post(process, "/v1/models/m:predict", &body).await, 200).await["predictions"].clone()
}

fn artifacts_of(folder: &Path) -> usize {
    let count = |name: &str| fs::read_dir(folder.join("artifacts").join(name)).map_or(0, Iterator::count);
    count("datasets") + count("models")
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_belong_to_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let process = filled(&first).await;
    let before = artifacts_of(&first);
    let artifacts = format!("file:{}", first.join("artifacts").display());
    let refused = |arguments: &[&str], word: &str| {
        let output = epoca(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(word), "{text}");
    };
    let other = ["serve", "--listen", "127.0.0.1:0", "--data-dir", path(&second), "--artifacts-url", &artifacts];
    refused(&other, "belong to the database");
    refused(&["gc", "--yes", "--data-dir", path(&second), "--artifacts-url", &artifacts], "belong to the database");
    assert!(process.terminate().await.0.success());

    // The database is moved away.
    fs::rename(first.join("epoca.sqlite3"), first.join("elsewhere.sqlite3")).unwrap();
    refused(&["serve", "--listen", "127.0.0.1:0", "--data-dir", path(&first)], "belong to the database");
    // Even where the folder does not say whose it is.
    fs::remove_file(first.join("epoca.sqlite3")).unwrap();
    let identity = fs::read(first.join("artifacts/database-identity")).unwrap();
    fs::remove_file(first.join("artifacts/database-identity")).unwrap();
    refused(&["serve", "--listen", "127.0.0.1:0", "--data-dir", path(&first)], "knows none of the");
    assert_eq!(artifacts_of(&first), before);

    fs::write(first.join("artifacts/database-identity"), identity).unwrap();
    fs::rename(first.join("elsewhere.sqlite3"), first.join("epoca.sqlite3")).unwrap();
    predict(&Process::start(&first, &[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_has_one_process_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let process = Process::start(&first, &[]);
    fs::create_dir(&second).unwrap();
    std::os::unix::fs::symlink(first.join("epoca.sqlite3"), second.join("link.db")).unwrap();
    std::os::unix::fs::symlink(&first, folder.path().join("third")).unwrap();
    for url in [
        format!("sqlite:{}", second.join("link.db").display()),
        format!("sqlite:{}", folder.path().join("third/epoca.sqlite3").display()),
    ] {
        let output = epoca(&["serve", "--listen", "127.0.0.1:0", "--data-dir", path(&second), "--database-url", &url]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains("another process uses"), "{text}");
    }
    drop(process);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_leftovers_are_removed_only_when_asked_and_young_ones_never() {
    let folder = tempfile::tempdir().unwrap();
    let process = filled(folder.path()).await;
    assert!(process.terminate().await.0.success());
    let leftover = |number: u64, days: u64| {
        let name = format!("00000000-0000-7000-8000-{number:012}");
        let file = folder.path().join("artifacts/datasets").join(name);
        fs::write(&file, "x").unwrap();
        let modified = SystemTime::now() - Duration::from_secs(days * 25 * 60 * 60);
        fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        file
    };
    let (old, young) = (leftover(1, 1), leftover(2, 0));
    let process = Process::start(folder.path(), &[]);
    predict(&process).await;
    let arguments = ["gc", "--data-dir", path(folder.path())];
    assert!(!epoca(&arguments).status.success(), "the service runs");
    assert!(process.terminate().await.0.success());
    assert!(old.exists() && young.exists(), "one of four is more than a tenth");
    let output = epoca(&arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 of 4 artifacts") && text.contains("1 more are younger") && old.exists(), "{text}");
    assert!(epoca(&[&arguments[..], &["--yes"]].concat()).status.success());
    assert!(!old.exists() && young.exists());

    // A few are removed by the next start.
    let old = leftover(3, 2);
    (10..30).for_each(|number| drop(leftover(number, 0)));
    let process = Process::start(folder.path(), &[]);
    assert!(!old.exists() && young.exists());
    predict(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let process = filled(folder.path()).await;
    let job = get(&process, "/v1/jobs").await["data"][0]["id"].as_str().unwrap().to_owned();
    assert!(process.terminate().await.0.success());
    let log = folder.path().join("epoca.sqlite3-wal");
    assert!(fs::metadata(log).map_or(0, |log| log.len()) == 0, "everything is in the database itself");
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("epoca.sqlite3"), copy.path().join("epoca.sqlite3")).unwrap();
    let process = Process::start(copy.path(), &[]);
    assert_eq!(get(&process, &format!("/v1/jobs/{job}")).await["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_service_is_restored_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    let file = folder.path().join("backup.tar");
    let process = filled(&source).await;
    let before = predict(&process).await;
    let output = epoca(&["backup", path(&file), "--data-dir", path(&source)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("2 artifacts"));
    assert!(!epoca(&["backup", path(&file), "--data-dir", path(&source)]).status.success(), "it exists already");
    assert!(!epoca(&["restore", path(&file), "--data-dir", path(&source)]).status.success(), "so does the database");
    drop(process);

    let output = epoca(&["restore", path(&file), "--data-dir", path(&target)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = epoca(&["check", "--data-dir", path(&target)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let process = Process::start(&target, &[]);
    assert_eq!(predict(&process).await, before);
    assert_eq!(get(&process, "/v1/datasets/d").await["rows"], 3);

    // One flipped bit is found, in the backup and in what is stored.
    let dataset = get(&process, "/v1/datasets/d").await["id"].as_str().unwrap().to_owned();
    drop(process);
    let stored = target.join("artifacts/datasets").join(&dataset);
    let mut bytes = fs::read(&stored).unwrap();
    bytes[4] ^= 1;
    fs::write(&stored, bytes).unwrap();
    let output = epoca(&["check", "--data-dir", path(&target)]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains(&format!("datasets/{dataset}: expected SHA-256")), "{text}");
    assert!(!epoca(&["backup", path(&folder.path().join("b.tar")), "--data-dir", path(&target)]).status.success());
    let mut damaged = fs::read(&file).unwrap();
    let at = damaged.windows(8).position(|bytes| bytes == b"a,y\n1,2\n").unwrap();
    damaged[at + 4] ^= 1;
    fs::write(&file, damaged).unwrap();
    let output = epoca(&["restore", path(&file), "--data-dir", path(&folder.path().join("third"))]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("damaged"));
}
