//! Asks the same question over and over on many connections, and prints the answers a second.
//!
//! `load ADDRESS:PORT PATH BODY.json CONNECTIONS SECONDS`

use anyhow::{Context, bail, ensure};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, body, connections, seconds] = arguments.as_slice() else {
        bail!("expected ADDRESS:PORT PATH BODY.json CONNECTIONS SECONDS");
    };
    let body = std::fs::read(body).context("cannot read the body")?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), &body].concat();
    let duration = Duration::from_secs_f64(seconds.parse()?);
    let started = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..connections.parse()? {
        asking.spawn(ask(address.clone(), request.clone(), started + duration));
    }
    let mut answers = 0;
    while let Some(count) = asking.join_next().await {
        answers += count??;
    }
    println!("{:.0}", answers as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

/// Asks on one connection until `end`; returns how many answers came.
async fn ask(address: String, request: Vec<u8>, end: Instant) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut answers = 0;
    let mut received = Vec::with_capacity(64 << 10);
    while Instant::now() < end {
        stream.write_all(&request).await?;
        received.clear();
        loop {
            ensure!(stream.read_buf(&mut received).await? > 0, "the connection was closed");
            if is_whole(&received)? {
                break;
            }
        }
        answers += 1;
    }
    Ok(answers)
}

/// Whether `received` holds a whole answer of 200; it must state its length.
fn is_whole(received: &[u8]) -> anyhow::Result<bool> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(&received[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200"), "expected 200, received {}", String::from_utf8_lossy(received));
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    Ok(received.len() >= end + 4 + length.context("the answer has no length")?)
}
