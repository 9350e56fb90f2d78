//! A data folder that cannot be written for some time: read-only, or on a disk that is full when a job ends. A log that cannot be written.

use super::{expect, post, upload};
use crate::support::{Client, Process};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Makes `$1/data/artifacts/{datasets,models}` read-only while `$1/locked` exists.
const LOCKABLE: &str = r#"
for part in datasets models; do
  mkdir -p "$1/data/artifacts/$part" && mount --bind "$1/data/artifacts/$part" "$1/data/artifacts/$part" || exit 1
done
(while kill -0 $$; do
  if [ -e "$1/locked" ]; then mode=ro; else mode=rw; fi
  for part in datasets models; do mount -o "remount,bind,$mode" "$1/data/artifacts/$part"; done
  sleep 0.05
done) > /dev/null 2>&1 &
"#;

/// `$1/data/artifacts/models` is a small disk.
const SMALL: &str = r#"
mkdir -p "$1/data/artifacts/models" && mount -t tmpfs -o size=256k tmpfs "$1/data/artifacts/models" || exit 1
"#;

/// A service whose folder is a disk that only its own process sees, after `prepare`; none where this machine does not allow that.
fn start(folder: &Path, prepare: &str) -> Option<Process> {
    let mount = "mount -t tmpfs tmpfs \"$1\" && mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    let probe = ["unshare", "-rm", "sh", "-c", mount, "sh"];
    let allowed = Command::new(probe[0]).args(&probe[1..]).arg(folder).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine lets no process mount a disk (unshare -rm)");
        return None;
    }
    let script = format!(
        "mount -t tmpfs tmpfs \"$1\" || exit 1\n{prepare}\nexec \"$0\" serve --listen 127.0.0.1:0 --data-dir \"$1/data\""
    );
    let epoca = env!("CARGO_BIN_EXE_epoca");
    Some(Process::start_by(Command::new("unshare").args(["-rm", "sh", "-c", &script, epoca]).arg(folder)))
}

/// Where this process finds what the service sees in its folder.
fn inside(process: &Process, folder: &Path, path: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", process.id(), folder.join(path).display()))
}

async fn upload_status(process: &Process, name: &str) -> (u16, Value) {
    let request = Client::new().post(format!("{}/v1/datasets?name={name}", process.url()));
    let answer = request.header("content-type", "text/csv").body("a,y\n1,2\n3,4\n").send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Uploads under new names until the answer has this status.
async fn upload_until(process: &Process, prefix: &str, status: u16) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    for number in 0.. {
        let (received, body) = upload_status(process, &format!("{prefix}-{number}")).await;
        if received == status {
            return body;
        }
        assert!([201, 503].contains(&received) && Instant::now() < until, "{received}: {body:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!()
}

/// A dataset whose epochs take long enough to be few, and a model of it.
async fn prepared(process: &Process) {
    let rows: String = (0..20_000).map(|row| format!("{},{}\n", row % 17, row % 17 * 2 + 1)).collect();
    upload(process, "d", format!("a,y\n{rows}")).await;
    let definition = json!({"layers": [{"type": "dense", "units": 1}]});
    expect(post(process, "/v1/models", &json!({"name": "m", "definition": definition})).await, 201).await;
}

async fn get(process: &Process, path: &str) -> Value {
    let request = Client::new().get(format!("{}{path}", process.url())).header("accept", "application/json");
    expect(request.send().await.unwrap(), 200).await
}

/// A job that has trained an epoch.
async fn training(process: &Process) -> String {
    let settings = json!({"epochs": 1_000_000, "batch_size": 1});
    let job = json!({"model": "m", "dataset": "d", "target": "y", "training": settings});
    let id = expect(post(process, "/v1/jobs", &job).await, 202).await["id"].as_str().unwrap().to_owned();
    let until = Instant::now() + Duration::from_secs(30);
    while get(process, &format!("/v1/jobs/{id}")).await["progress"]["epoch"].as_u64() < Some(1) {
        assert!(Instant::now() < until, "it does not train");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    id
}

async fn ask(process: &Process, id: &str, verb: &str) {
    let answer = Client::new().post(format!("{}/v1/jobs/{id}/{verb}", process.url())).send().await.unwrap();
    expect(answer, 200).await;
}

/// Ends the fit of a job, whose weights cannot be stored for this reason: the job waits and says so.
async fn finish_in_vain(process: &Process, id: &str, reason: &str) {
    ask(process, id, "finish").await;
    let until = Instant::now() + Duration::from_secs(30);
    let mut after = 0;
    loop {
        let page = get(process, &format!("/v1/jobs/{id}/events?limit=100&after={after}")).await;
        for event in page["data"].as_array().unwrap() {
            after = event["id"].as_u64().unwrap();
            let text = event["data"]["text"].as_str().unwrap_or_default();
            if text.starts_with("waits to store the trained weights") && text.contains(reason) {
                assert_eq!(get(process, &format!("/v1/jobs/{id}")).await["status"], "running");
                return;
            }
            assert_ne!(event["data"]["status"], "failed", "{event:#}");
        }
        assert!(Instant::now() < until, "it does not wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_is_not_a_fault_and_a_fit_waits_until_it_can_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let Some(process) = start(folder.path(), LOCKABLE) else { return };
    let lock = inside(&process, folder.path(), "locked");
    prepared(&process).await;
    let kept = training(&process).await;
    fs::write(&lock, "").unwrap();
    let problem = upload_until(&process, "refused", 503).await;
    assert!(problem["detail"].as_str().unwrap().contains("cannot be read or written now"), "{problem:#}");
    finish_in_vain(&process, &kept, "read-only").await;
    fs::remove_file(&lock).unwrap();
    let job = process.wait_for_end(&kept).await;
    assert_eq!((&job["status"], &job["version"], &job["attempt"]), (&json!("succeeded"), &json!(1), &json!(1)));
    upload_until(&process, "again", 201).await;

    // A job that waits is cancelled at once.
    let id = training(&process).await;
    fs::write(&lock, "").unwrap();
    upload_until(&process, "refused-again", 503).await;
    finish_in_vain(&process, &id, "read-only").await;
    ask(&process, &id, "cancel").await;
    assert_eq!(process.wait_for_end(&id).await["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fit_waits_for_space_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let Some(process) = start(folder.path(), SMALL) else { return };
    prepared(&process).await;
    let id = training(&process).await;
    let filler = inside(&process, folder.path(), "data/artifacts/models/filler");
    fs::write(&filler, vec![1; 1 << 20]).unwrap_err();
    finish_in_vain(&process, &id, "no space is left").await;
    fs::remove_file(&filler).unwrap();
    let job = process.wait_for_end(&id).await;
    assert_eq!((&job["status"], &job["version"], &job["attempt"]), (&json!("succeeded"), &json!(1), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (process, log) = Process::logged(folder.path(), &[]);
    drop(log);
    for _ in 0..3 {
        let answer = Client::new().get(format!("{}/v1/models", process.url())).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
    let (status, _) = process.terminate().await;
    assert!(status.success(), "{status}");
}
