//! Everything at once: idle streams, predictions, uploads and jobs.

use super::{expect, is_alive, post, start_with, train, upload};
use crate::support::{Client, raw};
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Idle streams, where this process may have as many descriptors.
const STREAMS: usize = 1000;
const PREDICTING: usize = 64;
const UPLOADS: usize = 4;
const LENGTH: Duration = Duration::from_secs(8);

/// A request on a connection that stays open; returns status and body.
async fn exchange(stream: &mut TcpStream, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let media_type = if head.contains("/datasets") { "text/csv" } else { "application/json" };
    let head = format!(
        "{head} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let (status, start) = (raw::status(&text), head.len() + 4);
            let length = if status == 204 { 0 } else { length.expect("a length") };
            if received.len() >= start + length {
                return (status, received[start..].to_vec());
            }
        }
        let mut part = [0; 4096];
        let count = timeout(Duration::from_secs(30), stream.read(&mut part)).await.expect("no answer in 30 s").unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&part[..count]);
    }
}

fn open_descriptors(id: u32) -> usize {
    std::fs::read_dir(Path::new("/proc").join(id.to_string()).join("fd")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_predictions_uploads_and_jobs_are_held_together() {
    let folder = tempfile::tempdir().unwrap();
    let process = start_with("--max-memory=2G", folder.path(), &["--workers=2"]);
    let url = process.url().to_owned();
    let mut table = "a,b,c,y\n".to_owned();
    (0..2000).for_each(|row| writeln!(table, "{},{},{},{}", row % 7, row % 11, row % 13, row % 2).unwrap());
    upload(&process, "d", table.clone()).await;
    let layers = json!([{"type": "dense", "units": 16, "activation": "relu"}, {"type": "dense", "units": 1}]);
    let trained = train(&process, "m", layers, "d", json!({"epochs": 2})).await;
    assert_eq!(trained["status"], "succeeded", "{trained:#}");
    let before = open_descriptors(process.id());

    let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| limit as usize);
    let count = STREAMS.min(descriptors.saturating_sub(400));
    assert!(count >= 500, "{descriptors} descriptors are too few for this test");
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = raw::connect(&url).await;
        stream
            .write_all(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")
            .await
            .unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        streams.push(stream);
    }
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let job =
            json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": 100_000, "batch_size": 32}});
        let job = expect(post(&process, "/v1/jobs", &job).await, 202).await;
        jobs.push(job["id"].as_str().unwrap().to_owned());
    }
    let end = Instant::now() + LENGTH;
    let (predictions, uploads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let body = json!({"instances": [[1, 2, 3], [4, 5, 6]]}).to_string();
    let predicting = (0..PREDICTING).map(async |_| {
        let mut stream = raw::connect(&url).await;
        let mut answers = Vec::new();
        while Instant::now() < end {
            let path = "POST /v1/models/m/versions/1:predict";
            let asked = Instant::now();
            let (status, answer) = exchange(&mut stream, path, body.as_bytes()).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
            assert!(asked.elapsed() < Duration::from_secs(10), "a prediction took {:?}", asked.elapsed());
            answers.push(answer);
            predictions.fetch_add(1, Relaxed);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "an answer differs");
        assert!(!answers.is_empty());
    });
    let uploading = (0..UPLOADS).map(async |number| {
        let mut stream = raw::connect(&url).await;
        for round in 0.. {
            if Instant::now() >= end {
                break;
            }
            let name = format!("u{number}-{round}");
            let (status, answer) =
                exchange(&mut stream, &format!("POST /v1/datasets?name={name}"), table.as_bytes()).await;
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
            let (status, _) = exchange(&mut stream, &format!("DELETE /v1/datasets/{name}"), b"").await;
            assert_eq!(status, 204);
            uploads.fetch_add(1, Relaxed);
        }
    });
    tokio::join!(futures::future::join_all(predicting), futures::future::join_all(uploading), async {
        while Instant::now() < end {
            is_alive(&process).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    assert!(predictions.into_inner() >= 2 * PREDICTING && uploads.into_inner() >= UPLOADS);
    for id in &jobs {
        let job: Value = expect(Client::new().get(format!("{url}/v1/jobs/{id}")).send().await.unwrap(), 200).await;
        assert_eq!(job["status"], "running", "{job:#}");
        assert!(job["progress"]["epoch"].as_u64().unwrap() > 0, "{job:#}");
        let answer = Client::new().post(format!("{url}/v1/jobs/{id}/cancel")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(process.wait_for_end(id).await["status"], "cancelled");
    }
    for mut stream in streams {
        let mut received = vec![0; 1 << 16];
        let count = timeout(Duration::from_secs(10), stream.read(&mut received)).await.unwrap().unwrap();
        assert!(count > 0, "a stream was closed");
    }
    let until = Instant::now() + Duration::from_secs(20);
    while open_descriptors(process.id()) > before + 20 {
        assert!(Instant::now() < until, "{} descriptors, {before} before", open_descriptors(process.id()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
