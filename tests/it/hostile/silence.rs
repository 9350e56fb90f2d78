//! Sockets that say nothing keep nobody out.

use super::{expect, is_alive, upload};
use crate::support::{Client, Process};
use rustix::process::{Resource, getrlimit};
use std::net::TcpStream;

/// Silent sockets, where this process may have as many descriptors.
const SILENT: usize = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_silent_sockets_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &[]);
    let address = process.url().trim_start_matches("http://").to_owned();
    let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| limit as usize);
    let count = SILENT.min(descriptors.saturating_sub(400));
    assert!(count >= 500, "{descriptors} descriptors are too few for this test");
    let mut silent = Vec::with_capacity(count);
    for number in 0..count {
        silent.push(TcpStream::connect(&address).unwrap());
        if number % 250 == 0 {
            is_alive(&process).await;
        }
    }
    is_alive(&process).await;
    upload(&process, "d", "x,y\n1,2\n2,4\n".to_owned()).await;
    for path in ["/readyz", "/metrics", "/v1/datasets/d/rows"] {
        let answer = Client::new().get(format!("{}{path}", process.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    drop(silent);
    let answer = Client::new().get(format!("{}/v1/datasets/d", process.url())).send().await.unwrap();
    assert_eq!(expect(answer, 200).await["rows"], 2);
}
