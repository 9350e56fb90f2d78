//! The service over HTTP: requests below `/v1`, answers as JSON, problems as failures.

use super::{
    failure::{Failure, of_file},
    notes::note,
    output::clean,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header, multipart};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1500);

/// How long the service may be silent; event streams have a comment every 15 s.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// How often a request is sent again that the service was too busy for.
const MAX_RETRIES: u32 = 4;

/// How long to wait before that, at most.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);

/// A client of one service.
#[derive(Debug)]
pub struct Api {
    http: reqwest::Client,
    url: Url,
    api_key: Option<String>,
    hint: String,
}

impl Api {
    /// A client of the service at `url`; `hint` is what a command needs to reach it again, such as ` --url …`. With `tls_ca`
    /// the certificates in that file are trusted as well as the system's.
    pub fn new(url: &str, api_key: Option<String>, tls_ca: Option<&Path>, hint: String) -> Result<Self, Failure> {
        let expected = || Failure::Usage(format!("expected --url to be like http://127.0.0.1:8080, received {url:?}"));
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let mut parsed = Url::parse(&full).map_err(|_| expected())?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(expected());
        }
        // The base URL that other clients of such APIs take ends with the version.
        let base = parsed.path().trim_end_matches('/').strip_suffix("/v1").map(str::to_owned);
        if let Some(base) = base {
            parsed.set_path(&base);
        }
        install_tls();
        // A proxy of the environment is for the network, not for a service on this machine.
        let is_here = matches!(parsed.host_str(), Some("localhost" | "[::1]"))
            || parsed.host_str().is_some_and(|host| host.starts_with("127."));
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("epoca/", env!("CARGO_PKG_VERSION")));
        let http = if is_here { http.no_proxy() } else { http };
        let http = match tls_ca {
            Some(file) => http.tls_certs_merge(certificates(file)?),
            None => http,
        };
        let http = http.build().map_err(|error| Failure::Error(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self { http, url: parsed, api_key, hint })
    }

    /// A command that reaches the same service, for people to copy.
    pub fn command(&self, arguments: &str) -> String {
        format!("epoca {arguments}{}", self.hint)
    }

    /// Where the service is.
    pub fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Reads something.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.json(self.request(Method::GET, path, query)).await
    }

    /// Reads something that need not exist.
    pub async fn find(&self, path: &[&str]) -> Result<Option<Value>, Failure> {
        match self.get(path, &[]).await {
            Ok(value) => Ok(Some(value)),
            // Where nobody listens, nothing can be said about what exists.
            Err(Failure::Missing(text)) if text.starts_with(NOBODY) => Err(Failure::Missing(text)),
            Err(Failure::Missing(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Sends JSON.
    pub async fn post(&self, path: &[&str], query: &[(&str, &str)], body: &Value) -> Result<Value, Failure> {
        self.json(self.request(Method::POST, path, query).json(body)).await
    }

    /// Sends a form, which is made anew for each attempt.
    pub async fn post_form(
        &self,
        path: &[&str],
        form: impl Fn() -> Result<multipart::Form, Failure>,
    ) -> Result<Value, Failure> {
        let request = || form().map(|form| self.request(Method::POST, path, &[]).multipart(form));
        self.read(self.send_until_taken(request).await?).await
    }

    /// Deletes something.
    pub async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.send(self.request(Method::DELETE, path, &[])).await.map(drop)
    }

    /// An answer that is read as it arrives.
    pub async fn download(&self, path: &[&str]) -> Result<Response, Failure> {
        self.send(self.request(Method::GET, path, &[])).await
    }

    /// A stream of server-sent events after the event `after`.
    pub async fn events(&self, path: &[&str], after: u64) -> Result<Response, Failure> {
        let request = self.request(Method::GET, path, &[]).header(header::ACCEPT, "text/event-stream");
        self.send(if after > 0 { request.header("last-event-id", after) } else { request }).await
    }

    /// Every entry of a list, page after page, until `wanted` have been read.
    pub async fn list(&self, path: &[&str], query: &[(&str, &str)], wanted: usize) -> Result<Value, Failure> {
        let mut data: Vec<Value> = Vec::new();
        let mut after = String::new();
        loop {
            let limit = wanted.saturating_sub(data.len()).min(100).to_string();
            let mut query = query.to_vec();
            query.push(("limit", &limit));
            if !after.is_empty() {
                query.push(("after", &after));
            }
            let mut page = self.get(path, &query).await?;
            if let Value::Array(entries) = page["data"].take() {
                data.extend(entries);
            }
            let next = page["next"].as_str().map(str::to_owned);
            match next {
                Some(next) if data.len() < wanted => after = next,
                next => return Ok(serde_json::json!({"data": data, "next": next})),
            }
        }
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        self.read(self.send(request).await?).await
    }

    async fn read(&self, answer: Response) -> Result<Value, Failure> {
        let bytes = answer.bytes().await.map_err(|error| self.broken(&error))?;
        serde_json::from_slice(&bytes).map_err(|_| self.stranger())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let again = || request.try_clone().ok_or_else(|| Failure::Error("a stream cannot be sent again".to_owned()));
        self.send_until_taken(again).await
    }

    /// The answer where it is a success; the request is made and sent again while the service is too busy for it.
    async fn send_until_taken(
        &self,
        request: impl Fn() -> Result<RequestBuilder, Failure>,
    ) -> Result<Response, Failure> {
        let mut retries = 0;
        loop {
            let answer = request()?.send().await.map_err(|error| self.broken(&error))?;
            let status = answer.status();
            let is_busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if !is_busy || retries >= MAX_RETRIES {
                return self.checked(answer).await;
            }
            retries += 1;
            let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let pause = Duration::from_secs(seconds.unwrap_or(1)).min(MAX_RETRY_AFTER);
            note(format_args!("{} is busy ({status}); trying again in {} s", self.url(), pause.as_secs()));
            tokio::time::sleep(pause).await;
        }
    }

    async fn checked(&self, answer: Response) -> Result<Response, Failure> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let Ok(problem) = answer.json::<Value>().await else { return Err(self.stranger()) };
        let Some(detail) = problem["detail"].as_str().or(problem["title"].as_str()) else {
            return Err(self.stranger());
        };
        let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = if errors.len() > 1 {
            let line = |error: &Value| {
                let text = |name: &str| clean(error[name].as_str().unwrap_or_default());
                format!("\n  {}: {}", text("pointer"), text("detail"))
            };
            format!("{} fields are not valid{}", errors.len(), errors.iter().map(line).collect::<String>())
        } else {
            clean(detail)
        };
        Err(match status {
            StatusCode::NOT_FOUND => Failure::Missing(text),
            StatusCode::UNAUTHORIZED => {
                Failure::Denied(format!("{text}: give an API key with --api-key or EPOCA_API_KEY"))
            }
            StatusCode::FORBIDDEN => Failure::Denied(text),
            _ => Failure::Error(text),
        })
    }

    /// What it means that no answer came.
    fn broken(&self, error: &reqwest::Error) -> Failure {
        let url = self.url();
        if let Some(reason) = distrust(error) {
            return Failure::Error(format!("{url}: the certificate {reason}"));
        }
        if is_without_tls(error) {
            return Failure::Error(format!("{url} answers without TLS: use http:// in --url or EPOCA_URL"));
        }
        if error.is_connect() {
            return Failure::Missing(format!(
                "{NOBODY} at {url}: start the service with `epoca`, name another one with --url or EPOCA_URL, or add --local"
            ));
        }
        if error.is_timeout() {
            return Failure::Error(format!("{url} did not answer within {} seconds", READ_TIMEOUT.as_secs()));
        }
        Failure::Error(format!("the connection to {url} broke off"))
    }

    fn stranger(&self) -> Failure {
        Failure::Error(format!("{} does not answer like epoca: is it another program's address?", self.url()))
    }
}

/// Chooses the cryptography of TLS for this process: an HTTP client cannot be made without.
pub fn install_tls() {
    // The first one that is installed counts; a second attempt changes nothing.
    drop(tokio_rustls::rustls::crypto::ring::default_provider().install_default());
}

/// The certificates of a PEM file.
fn certificates(file: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let shown = file.display().to_string();
    let pem = std::fs::read(file).map_err(|error| of_file("read", &shown, &error))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        return Err(Failure::Error(format!("{}: expected certificates in PEM", clean(&shown))));
    }
    Ok(found)
}

/// Whether what listens there answers https with something other than TLS.
fn is_without_tls(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        if reason.to_string().contains("InvalidContentType") {
            return true;
        }
        source = reason.source();
    }
    false
}

/// What is wrong with the service's certificate, if that is what is wrong.
fn distrust(error: &reqwest::Error) -> Option<&'static str> {
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        let text = reason.to_string();
        if text.contains("certificate") {
            return Some(if text.contains("xpired") {
                "has expired"
            } else if text.contains("NotValidForName") || text.contains("not valid for name") {
                "is for another host name"
            } else if text.contains("CaUsedAsEndEntity") {
                "is that of an authority, not of a server: make one with `basicConstraints=CA:FALSE`"
            } else {
                "is not trusted on this machine: --tls-ca FILE names a certificate to trust"
            });
        }
        source = reason.source();
    }
    None
}

/// How the failure begins where no service listens.
pub const NOBODY: &str = "nobody listens";
