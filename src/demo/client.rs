//! A client of the service that prints what it sends, as `curl` lines.

use super::output::say;
use crate::client::install_tls;
use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, Response, header};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Sends requests, and writes bodies that are too long for a line to files.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    folder: PathBuf,
}

/// What a request carries.
#[derive(Debug)]
pub enum Body {
    /// JSON that fits on a line.
    Json(Value),
    /// A file in the demo's folder, and its media type.
    File(PathBuf, &'static str),
}

impl Client {
    /// A client of the service at `url`; files go into `folder`.
    pub fn new(url: String, folder: &Path) -> Self {
        install_tls();
        Self { http: reqwest::Client::new(), url, folder: folder.to_owned() }
    }

    /// Where the service is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A file in the demo's folder.
    pub async fn write(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        tokio::fs::write(&path, content).await.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Creates something. The key makes the printed line safe to repeat: it then gets the first answer again.
    pub async fn create(&self, path: &str, body: Body, idempotency_key: &str) -> anyhow::Result<Value> {
        let key = format!("-H 'Idempotency-Key: {idempotency_key}' ");
        let request = self.request(Method::POST, path).header("idempotency-key", idempotency_key);
        self.send(request, &key, path, Some(body)).await
    }

    /// Sends instances, and returns the predictions.
    pub async fn predict(&self, path: &str, body: Body) -> anyhow::Result<Value> {
        self.send(self.request(Method::POST, path), "", path, Some(body)).await
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request(Method::GET, path), "", path, None).await
    }

    /// Prints the line for a stream of server-sent events.
    pub fn show_stream(&self, path: &str) -> anyhow::Result<()> {
        say(format_args!("$ curl -sSN -H 'Accept: text/event-stream' {}", quoted(&format!("{}{path}", self.url))))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn send(
        &self,
        request: RequestBuilder,
        flags: &str,
        path: &str,
        body: Option<Body>,
    ) -> anyhow::Result<Value> {
        let url = quoted(&format!("{}{path}", self.url));
        let (request, data) = match body {
            None => (request, String::new()),
            Some(Body::Json(value)) => {
                let text = value.to_string();
                let data = format!("-H 'Content-Type: application/json' -d {} ", quoted(&text));
                (request.header(header::CONTENT_TYPE, "application/json").body(text), data)
            }
            Some(Body::File(file, media_type)) => {
                let data = format!(
                    "-H 'Content-Type: {media_type}' --data-binary {} ",
                    quoted(&format!("@{}", file.display()))
                );
                (request.header(header::CONTENT_TYPE, media_type).body(tokio::fs::read(&file).await?), data)
            }
        };
        say(format_args!("$ curl -sS {flags}{data}{url}"))?;
        Ok(checked(request.send().await?).await?.json().await?)
    }
}

/// The answer, where it is a success.
async fn checked(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    if !status.is_success() {
        bail!("expected a success, received {status}: {}", answer.text().await?);
    }
    Ok(answer)
}

/// One word to a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_quoted_text_as_it_was() {
        for text in ["plain", "it's", "a b $HOME `id` \"x\" \\ ;"] {
            let output = std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output();
            assert_eq!(output.unwrap().stdout, text.as_bytes());
        }
    }
}
