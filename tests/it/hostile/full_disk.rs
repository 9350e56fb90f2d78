//! A disk that is full, and has room again.

use super::{expect, post};
use crate::support::{Client, Process};
use serde_json::json;
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Megabytes of the disk.
const SIZE: usize = 24;

/// Bytes of a file that is removed to make room.
const FILLER: usize = 2 << 20;

/// A service whose folder is a small disk that only its own process sees; none where this machine does not allow that.
fn start(folder: &Path) -> Option<Process> {
    let mount = format!("mount -t tmpfs -o size={SIZE}m tmpfs \"$1\"");
    let probe = ["unshare", "-rm", "sh", "-c", &mount, "sh"];
    let allowed = Command::new(probe[0]).args(&probe[1..]).arg(folder).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine lets no process mount a small disk (unshare -rm)");
        return None;
    }
    let script = format!(
        "{mount} && head -c {FILLER} /dev/zero > \"$1/filler\" && exec \"$0\" serve --listen 127.0.0.1:0 --data-dir \"$1/data\""
    );
    Some(Process::start_by(Command::new("unshare").args([
        "-rm",
        "sh",
        "-c",
        &script,
        env!("CARGO_BIN_EXE_epoca"),
        folder.to_str().unwrap(),
    ])))
}

async fn upload(process: &Process, name: &str, bytes: usize) -> u16 {
    let csv = format!("a,y\n{}", "1,2\n3,4\n".repeat(bytes / 8));
    let request = Client::new().post(format!("{}/v1/datasets?name={name}", process.url()));
    request.header("content-type", "text/csv").body(csv).send().await.unwrap().status().as_u16()
}

async fn status(process: &Process, path: &str) -> u16 {
    Client::new().get(format!("{}{path}", process.url())).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn once_there_is_room_everything_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(process) = start(folder.path()) else { return };
    assert_eq!(upload(&process, "small", 800).await, 201);
    let definition = json!({"layers": [{"type": "dense", "units": 1}]});
    expect(post(&process, "/v1/models", &json!({"name": "m", "definition": definition})).await, 201).await;
    let job = json!({"model": "m", "dataset": "small", "target": "y", "training": {"epochs": 1_000_000}});
    let running = expect(post(&process, "/v1/jobs", &job).await, 202).await["id"].as_str().unwrap().to_owned();

    // Files, then records, until nothing fits.
    let mut files = 0;
    while upload(&process, &format!("file-{files}"), 4 << 20).await == 201 {
        files += 1;
        assert!(files < SIZE);
    }
    while upload(&process, &format!("file-{files}"), 64 << 10).await == 201 {
        files += 1;
    }
    let text = "x".repeat(100_000);
    let mut refused = 0;
    for number in 0..400 {
        let layers = json!([{"type": "dense", "units": 1, "name": format!("{text:.100}{number}")}, {"type": "constant", "shape": [8], "value": vec![1.5; 8]}]);
        let model = json!({"name": format!("m{number}"), "definition": {"layers": layers}});
        let status = post(&process, "/v1/models", &model).await.status().as_u16();
        assert!([201, 507].contains(&status), "{status}");
        refused += u32::from(status == 507);
        if refused > 3 {
            break;
        }
    }
    assert!(refused > 0, "the disk is never full");
    assert_eq!(status(&process, "/livez").await, 200);
    assert_eq!(status(&process, "/readyz").await, 503, "it cannot write");
    assert_eq!(status(&process, "/v1/datasets/small").await, 200, "it can read");

    // There is room again: the disk is below the root of the process, which alone sees it.
    let filler = format!("/proc/{}/root{}", process.id(), folder.path().join("filler").display());
    std::fs::remove_file(filler).unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    let mut deleted = 0;
    while deleted < files {
        let name = format!("file-{deleted}");
        let answer = Client::new().delete(format!("{}/v1/datasets/{name}", process.url())).send().await.unwrap();
        match answer.status().as_u16() {
            204 => deleted += 1,
            507 => tokio::time::sleep(Duration::from_millis(50)).await,
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
        assert!(Instant::now() < until, "nothing can be deleted: {deleted} of {files}");
    }
    assert_eq!(status(&process, "/readyz").await, 200);
    assert_eq!(upload(&process, "again", 1 << 20).await, 201);
    let cancelled = Client::new().post(format!("{}/v1/jobs/{running}/cancel", process.url())).send().await.unwrap();
    assert!([200, 409].contains(&cancelled.status().as_u16()));
    process.wait_for_end(&running).await;
    let job = json!({"model": "m", "dataset": "again", "target": "y", "training": {"epochs": 1}});
    let job = expect(post(&process, "/v1/jobs", &job).await, 202).await;
    let ended = process.wait_for_end(job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let (status, _) = process.terminate().await;
    assert!(status.success());
}
