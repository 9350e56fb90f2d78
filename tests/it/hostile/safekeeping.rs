//! Nothing that is stored is lost by starting, stopping, moving or copying.

use super::expect;
use crate::support::{Client, Process};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant, SystemTime},
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
    let nowhere = epoca(&["backup", path(&folder.path().join("no/backup.tar")), "--data-dir", path(&source)]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("/no does not exist"), "{nowhere:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_backup_are_named_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    let (file, bad) = (folder.path().join("backup.tar"), folder.path().join("bad.tar"));
    drop(filled(&source).await);
    assert!(epoca(&["backup", path(&file), "--data-dir", path(&source)]).status.success());
    let whole = fs::read(&file).unwrap();
    let link = {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, "epoca.sqlite3", "/etc/passwd").unwrap();
        archive.into_inner().unwrap()
    };
    let with = |name: &str, content: &[u8]| {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content).unwrap();
        archive.into_inner().unwrap()
    };
    for (what, bytes, expected) in [
        ("nothing", Vec::new(), "is no backup: it has no epoca.sqlite3"),
        ("half of one", whole[..whole.len() / 2].to_vec(), "is no backup: it is no tar file, or ends early"),
        ("text", b"hello ".repeat(2000), "is no backup: it is no tar file"),
        ("another tar file", with("readme.txt", b"hello"), "expected an artifact, received readme.txt"),
        ("another database", with("epoca.sqlite3", b"hello"), "is no database of this service"),
        ("a link", link, "epoca.sqlite3 is no file"),
    ] {
        fs::write(&bad, bytes).unwrap();
        let output = epoca(&["restore", path(&bad), "--data-dir", path(&target)]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(expected), "{what}: {text}");
        assert_eq!(files_of(&target), Vec::<String>::new(), "{what}");
    }
    assert!(epoca(&["restore", path(&file), "--data-dir", path(&target)]).status.success());
}

/// The files below a folder.
fn files_of(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = |path: PathBuf| match path.is_dir() {
        true => files_of(&path),
        false => vec![path.display().to_string()],
    };
    entries.flat_map(files).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_lost_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    let process = filled(&data).await;
    let send = async |name: &str| {
        let request = Client::new().post(format!("{}/v1/datasets?name={name}", process.url()));
        request.header("content-type", "text/csv").body("a,y\n1,2\n3,4\n").send().await.unwrap()
    };
    let ready = async || Client::new().get(format!("{}/readyz", process.url())).send().await.unwrap().status();
    for (part, expected) in
        [("artifacts", "the folder of the artifacts"), ("epoca.sqlite3", "the file of the database")]
    {
        assert_eq!(ready().await, 200);
        fs::rename(data.join(part), &away).unwrap();
        if part == "artifacts" {
            fs::create_dir(data.join(part)).unwrap();
        }
        let problem = expect(send("lost").await, 503).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(expected) && detail.contains("put it back"), "{detail}");
        assert_eq!(ready().await, 503, "{part}");
        if part == "artifacts" {
            let rows = Client::new().get(format!("{}/v1/datasets/d/rows", process.url())).send().await.unwrap();
            assert_eq!(rows.status(), 503);
            fs::remove_dir_all(data.join(part)).unwrap();
        }
        fs::rename(&away, data.join(part)).unwrap();
        expect(send(&format!("kept-{}", part.len())).await, 201).await;
    }
    assert_eq!(get(&process, "/v1/datasets").await["data"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_is_a_clean_stop_unless_it_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let hang_up = |process: &Process| {
        let status = Command::new("kill").args(["-HUP", &process.id().to_string()]).status();
        assert!(status.unwrap().success());
    };
    let folder_name = path(folder.path());
    // The tests themselves may run where it is ignored.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_epoca")]);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir", folder_name]);
    let process = Process::start_by(&mut command);
    super::upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    hang_up(&process);
    let until = Instant::now() + Duration::from_secs(20);
    let log = folder.path().join("epoca.sqlite3-wal");
    while fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        assert!(Instant::now() < until, "the log is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(process);
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_epoca"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir", folder_name]);
    let process = Process::start_by(&mut command);
    hang_up(&process);
    tokio::time::sleep(Duration::from_millis(500)).await;
    super::is_alive(&process).await;
}
