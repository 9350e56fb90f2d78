//! A job's events, shown while they arrive: a bar on a terminal, a line an epoch elsewhere.

use anyhow::{Context, bail};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Response;
use serde_json::Value;
use std::io::IsTerminal;

/// Follows `stream` to the job's end; returns the terminal status.
pub async fn follow(stream: Response, epochs: u64) -> anyhow::Result<String> {
    let display = Display::new(epochs);
    let mut chunks = stream.bytes_stream();
    let mut received = Vec::new();
    let mut last_status = String::new();
    while let Some(chunk) = chunks.next().await {
        received.extend_from_slice(&chunk.context("the stream broke off")?);
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            let event: Value = serde_json::from_slice(data).context("an event is no JSON")?;
            match event["type"].as_str() {
                Some("status") => {
                    last_status = event["data"]["status"].as_str().unwrap_or_default().to_owned();
                    display.status(&last_status);
                }
                Some("epoch") => display.epoch(&event["data"]),
                Some("message") => display.line(event["data"]["text"].as_str().unwrap_or_default()),
                _ => {}
            }
        }
    }
    display.bar.finish();
    if last_status.is_empty() {
        bail!("the stream had no event");
    }
    Ok(last_status)
}

struct Display {
    bar: ProgressBar,
    is_terminal: bool,
}

impl Display {
    fn new(epochs: u64) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(epochs), target);
        if let Ok(style) = ProgressStyle::with_template("  {bar:30} epoch {pos:>3}/{len}  {msg}") {
            bar.set_style(style);
        }
        Self { bar, is_terminal }
    }

    fn line(&self, text: &str) {
        if self.is_terminal {
            self.bar.println(format!("  {text}"));
        } else {
            println!("  {text}");
        }
    }

    fn status(&self, status: &str) {
        if !self.is_terminal {
            println!("  {status}");
        }
    }

    fn epoch(&self, logs: &Value) {
        let epoch = logs["epoch"].as_u64().unwrap_or_default();
        let names = ["loss", "accuracy", "val_loss", "val_accuracy"];
        let shown = names.iter().filter_map(|name| Some(format!("{name} {:.4}", logs[*name].as_f64()?)));
        let shown: Vec<String> = shown.collect();
        let shown = shown.join("  ");
        self.bar.set_position(epoch);
        self.bar.set_message(shown.clone());
        if !self.is_terminal {
            println!("  epoch {epoch:>3}/{}  {shown}", logs["epochs"]);
        }
    }
}
