//! Clients that go away while the service works for them.

use super::{expect, is_alive, train, upload};
use crate::support::{Client, Process, raw};
use serde_json::json;
use std::{
    fmt::Write,
    time::{Duration, Instant},
};
use tokio::io::AsyncWriteExt;

/// Memory that requests and jobs have reserved, beside what loaded models keep.
async fn reserved(process: &Process) -> u64 {
    let text = Client::new().get(format!("{}/metrics", process.url())).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("epoca_memory_reserved_bytes "));
    line.unwrap_or_else(|| panic!("{text}")).parse::<f64>().unwrap() as u64
}

/// Sends a request and closes the connection `after` that.
async fn abandon(process: &Process, head: &str, body: &str, after: Duration) {
    let mut stream = raw::connect(process.url()).await;
    let head = format!(
        "{head} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    tokio::time::sleep(after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_ends_early_and_holds_its_memory_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--max-memory=2G"]);
    upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    // 25 million multiply-adds a row: minutes for these instances in a binary that is not optimized.
    let layers =
        json!([{"type": "dense", "units": 5000}, {"type": "dense", "units": 5000}, {"type": "dense", "units": 1}]);
    let job = train(&process, "wide", layers, "d", json!({"epochs": 1, "batch_size": 1, "optimizer": "sgd"})).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let small = json!({"instances": [[1]]});
    let url = format!("{}/v1/models/wide:predict", process.url());
    expect(Client::new().post(&url).json(&small).send().await.unwrap(), 200).await;
    let before = reserved(&process).await;
    let body = json!({"instances": vec![[1]; 30_000]}).to_string();
    let predict = "POST /v1/models/wide:predict";
    let (during, ()) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            reserved(&process).await
        },
        abandon(&process, predict, &body, Duration::from_secs(2)),
    );
    assert!(during > before + 1_000_000, "{during} bytes during a prediction, {before} before");
    for _ in 0..20 {
        abandon(&process, predict, &body, Duration::from_millis(100)).await;
    }
    let until = Instant::now() + Duration::from_secs(10);
    while reserved(&process).await > before {
        assert!(Instant::now() < until, "{} bytes are reserved for nobody, {before} before", reserved(&process).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    expect(Client::new().post(&url).json(&small).send().await.unwrap(), 200).await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    is_alive(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_transfers_that_break_off_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &[]);
    let mut table = "a,b,y\n".to_owned();
    (0..3000).for_each(|row| writeln!(table, "{row},{},{}", row % 7, row % 2).unwrap());
    upload(&process, "d", table.clone()).await;
    let layers =
        json!([{"type": "dense", "units": 300}, {"type": "dense", "units": 300}, {"type": "dense", "units": 1}]);
    let job = train(&process, "m", layers, "d", json!({"epochs": 1, "batch_size": 1000})).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let files = || walk(folder.path());
    let (known, before) = (files(), reserved(&process).await);
    for number in 0..500 {
        // Half an upload, and a download of which nothing is read.
        let head = format!("POST /v1/datasets?name=half-{number}");
        let mut stream = raw::connect(process.url()).await;
        let head = format!(
            "{head} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\ncontent-length: {}\r\n\r\n",
            table.len()
        );
        stream.write_all((head + &table[..table.len() / 2]).as_bytes()).await.unwrap();
        abandon(&process, "GET /v1/models/m/versions/1/weights", "", Duration::ZERO).await;
    }
    let until = Instant::now() + Duration::from_secs(20);
    while reserved(&process).await > before || files() != known {
        assert!(Instant::now() < until, "{} bytes, {before} before; {:?}", reserved(&process).await, files());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    upload(&process, "whole", table).await;
    is_alive(&process).await;
}

/// Number of files of data: not those of the database, which change by themselves.
fn walk(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let count = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => walk(&entry.path()),
        _ => usize::from(!entry.file_name().to_string_lossy().contains("sqlite3")),
    };
    entries.map(count).sum()
}
