//! Who may do what: API keys with their scopes and limits, and the audit log of writes.

use crate::{
    config::Config,
    http::{
        App, body, methods,
        problem::{Kind, Problem},
    },
    job::now,
    store::{
        Store, StoreError,
        keys::{ApiKey, AuditEntry, Scope, marker},
    },
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, task::JoinHandle};
use tracing::Instrument;
use uuid::Uuid;

/// How often keys are read again, should the commands not have told that they changed.
const RELOAD: Duration = Duration::from_secs(10);

/// The client's address, in a request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Who sends a request, in its extensions.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    key: Option<Arc<KnownKey>>,
}

/// A key, and what it has used up.
#[derive(Debug)]
pub struct KnownKey {
    key: ApiKey,
    allowance: std::sync::Mutex<(Instant, f64)>,
    /// Held while something is stored under a limit of bytes.
    storing: Mutex<()>,
}

/// The keys of the service.
#[derive(Debug)]
pub struct Keys {
    marker: PathBuf,
    is_required: bool,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    stamp: Option<(i64, i64, u64)>,
    keys: HashMap<String, Arc<KnownKey>>,
}

impl Keys {
    /// Reads the keys. Fails where a service on an address that others reach would have none.
    pub async fn open(config: &Config, address: SocketAddr, store: &dyn Store) -> anyhow::Result<Self> {
        let is_open = address.ip().to_canonical().is_loopback() || config.insecure_no_auth;
        let marker = marker(&config.database_file());
        let keys = Self { marker, is_required: !is_open, known: RwLock::default() };
        keys.reload(store).await?;
        let has_key = keys.lock().keys.values().any(|known| known.key.is_usable(now()));
        anyhow::ensure!(
            is_open || has_key,
            "other machines reach {address}, and no API key exists yet: create one with \
             `epoca keys create --name admin --scopes admin` on the same --data-dir, or start with --insecure-no-auth where \
             a proxy or the network decides who may call"
        );
        Ok(keys)
    }

    /// Keeps what is known fresh; ends with the task that runs it.
    pub async fn upkeep(&self, store: &dyn Store) {
        loop {
            tokio::time::sleep(RELOAD).await;
            if let Err(error) = self.reload(store).await {
                tracing::warn!(%error, "API keys cannot be read");
            }
        }
    }

    fn lock(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reload(&self, store: &dyn Store) -> Result<(), StoreError> {
        let stamp = self.stamp();
        let keys = store.keys().await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut earlier = std::mem::take(&mut known.keys);
        known.stamp = stamp;
        known.keys = keys
            .into_iter()
            .map(|key| (key.prefix.clone(), key))
            .map(|(prefix, key)| {
                let kept = earlier.remove(&prefix).filter(|earlier| earlier.key == key);
                (prefix, kept.unwrap_or_else(|| Arc::new(KnownKey::new(key))))
            })
            .collect();
        Ok(())
    }

    fn stamp(&self) -> Option<(i64, i64, u64)> {
        let metadata = std::fs::metadata(&self.marker).ok()?;
        Some((metadata.mtime(), metadata.mtime_nsec(), metadata.ino()))
    }

    /// Who sends a request with these headers. Nobody in particular where no key is needed.
    async fn caller(&self, headers: &HeaderMap, store: &dyn Store) -> Result<Caller, Problem> {
        let stamp = self.stamp();
        let is_stale = self.lock().stamp != stamp;
        if is_stale {
            self.reload(store).await?;
        }
        let known = self.lock();
        if known.keys.is_empty() && !self.is_required {
            return Ok(Caller::default());
        }
        let refuse = |received: &str| {
            let expected = "expected Authorization: Bearer with an API key";
            Err(Problem::new(Kind::Unauthorized, format!("{expected}, received {received}")))
        };
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return refuse("none") };
        if values.next().is_some() {
            return refuse("two of them");
        }
        let Some((scheme, text)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
            return refuse("something else");
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return refuse("another scheme");
        }
        let Some((prefix, secret)) = ApiKey::split(text.trim()) else { return refuse("something that is no key") };
        match known.keys.get(prefix).filter(|known| known.key.has_secret(secret)) {
            None => refuse("a key that is unknown"),
            Some(known) if known.key.revoked_at.is_some() => refuse("a key that is revoked"),
            Some(known) if !known.key.is_usable(now()) => refuse("a key that has expired"),
            Some(known) => Ok(Caller { key: Some(Arc::clone(known)) }),
        }
    }
}

impl KnownKey {
    fn new(key: ApiKey) -> Self {
        let burst = key.requests_per_second.unwrap_or_default().max(1.0);
        Self { key, allowance: std::sync::Mutex::new((Instant::now(), burst)), storing: Mutex::new(()) }
    }

    /// Takes one request from the key's allowance, which refills at its rate and holds those of one second.
    fn take(&self) -> Result<(), Problem> {
        let Some(rate) = self.key.requests_per_second else { return Ok(()) };
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, left) = *allowance;
        let now = Instant::now();
        let left = (left + now.duration_since(since).as_secs_f64() * rate).min(rate.max(1.0));
        if left >= 1.0 {
            *allowance = (now, left - 1.0);
            return Ok(());
        }
        *allowance = (now, left);
        let detail = format!("expected at most {rate} requests a second with the key {:?}", self.key.name);
        let wait = ((1.0 - left) / rate).ceil().clamp(1.0, 3600.0);
        Err(Problem::new(Kind::TooManyRequests, detail).retry_after(wait as u32))
    }

    /// Bytes that may still be stored; none where there is no limit.
    async fn room(&self, store: &dyn Store) -> Result<Option<u64>, Problem> {
        let Some(max) = self.key.max_bytes else { return Ok(None) };
        Ok(Some(max.saturating_sub(store.stored_bytes(self.key.id).await?)))
    }

    fn is_full(&self) -> Problem {
        let (max, name) = (self.key.max_bytes.unwrap_or_default(), &self.key.name);
        Problem::new(Kind::OutOfSpace, format!("expected at most {max} bytes stored with the key {name:?}"))
    }
}

impl Caller {
    /// Maximum bytes of an upload, `max` without a limit of the key's own.
    pub async fn max_bytes(&self, max: u64, store: &dyn Store) -> Result<u64, Problem> {
        match &self.key {
            Some(known) => Ok(known.room(store).await?.map_or(max, |room| room.min(max))),
            None => Ok(max),
        }
    }

    /// What is wrong with an upload that passed `max` bytes, where that is the key's limit.
    pub fn too_large(&self, max: u64, max_upload: u64) -> Option<Problem> {
        self.key.as_ref().filter(|_| max < max_upload).map(|known| known.is_full())
    }

    /// Stores `bytes` at `location` by `work`, within the limit of the key; no two of one key at a time.
    pub async fn store<T>(
        &self,
        bytes: u64,
        location: &str,
        store: &dyn Store,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let Some(known) = self.key.as_ref().filter(|known| known.key.max_bytes.is_some()) else { return work.await };
        let _one = known.storing.lock().await;
        if known.room(store).await?.is_some_and(|room| bytes > room) {
            return Err(known.is_full());
        }
        let done = work.await?;
        store.own(location, known.key.id).await?;
        Ok(done)
    }
}

/// The scope that a request needs; none for probes, the documentation and the files of the page.
pub fn needed(method: &Method, path: &str) -> Option<Scope> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match path {
        "/v1/audit" => Some(Scope::Admin),
        "/metrics" => Some(Scope::Read),
        path if reads => path.starts_with("/v1").then_some(Scope::Read),
        path if methods::verb(path) == Some("predict") => Some(Scope::Predict),
        _ => Some(Scope::Train),
    }
}

/// Lets a request through whose key allows it, and records it where it was a write that succeeded.
pub async fn check(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let Some(scope) = needed(&method, request.uri().path()) else { return next.run(request).await };
    let caller = match allowed(&app, scope, &method, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => {
            let (parts, mut body) = request.into_parts();
            body::drain(&mut body, &parts.headers).await;
            let mut response = problem.clone().into_response();
            if let Some(challenge) = challenge(&problem, scope, &parts.headers) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            return response;
        }
    };
    let key = caller.key.clone();
    request.extensions_mut().insert(caller);
    if scope != Scope::Train {
        return next.run(request).await;
    }
    let arrival = request.extensions().get::<Arrived>().cloned();
    // In a task of its own: a write is recorded even if the client disconnects.
    let recorded = async move {
        let path = request.uri().path().to_owned();
        let address = request.extensions().get::<Peer>().map(|peer| peer.0.to_string());
        let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let response = next.run(request).await;
        if response.status().is_success() {
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let entry = AuditEntry {
                id: Uuid::now_v7(),
                at: now(),
                key: key.as_ref().map(|known| known.key.id),
                key_name: key.as_ref().map(|known| known.key.name.clone()),
                address,
                method: method.to_string(),
                path,
                status: response.status().as_u16(),
                location: location.map(str::to_owned),
                request_id: id,
            };
            // The write itself is done: an answer that says otherwise would be wrong.
            if let Err(error) = app.store.audit(&entry).await {
                tracing::error!(error = format!("{error:#}"), ?entry, "a write is missing in the audit log");
            }
        }
        response
    };
    let mut running = Running { task: tokio::spawn(recorded.in_current_span()), arrival };
    match (&mut running.task).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Problem::internal(error).into_response(),
        },
    }
}

/// Whether a request's body has arrived, in its extensions; none without a body.
#[derive(Debug, Clone)]
pub struct Arrived(pub Arc<AtomicBool>);

/// A write that is being handled. It ends with the request where its body has not arrived: nothing is written yet.
struct Running {
    task: JoinHandle<Response>,
    arrival: Option<Arrived>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.arrival.as_ref().is_some_and(|arrived| !arrived.0.load(Ordering::Relaxed)) {
            self.task.abort();
        }
    }
}

/// The id of a request, in its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

async fn allowed(app: &App, scope: Scope, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    let caller = app.keys.caller(headers, &*app.store).await?;
    let Some(known) = &caller.key else { return Ok(caller) };
    known.take()?;
    if !known.key.allows(scope) {
        let has: Vec<String> = known.key.scopes.iter().map(|scope| format!("`{}`", scope.name())).collect();
        let expected = format!("expected an API key with the scope `{}`", scope.name());
        return Err(Problem::new(Kind::Forbidden, format!("{expected}, received one with {}", has.join(", "))));
    }
    let creates = scope == Scope::Train && *method == Method::POST;
    if creates && known.room(&*app.store).await? == Some(0) {
        return Err(known.is_full());
    }
    Ok(caller)
}

fn challenge(problem: &Problem, scope: Scope, headers: &HeaderMap) -> Option<HeaderValue> {
    let text = match problem.kind() {
        Kind::Unauthorized if !headers.contains_key(header::AUTHORIZATION) => "Bearer realm=\"epoca\"".to_owned(),
        Kind::Unauthorized => "Bearer realm=\"epoca\", error=\"invalid_token\"".to_owned(),
        Kind::Forbidden => {
            format!("Bearer realm=\"epoca\", error=\"insufficient_scope\", scope=\"{}\"", scope.name())
        }
        _ => return None,
    };
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_needs_a_scope() {
        let id = "/v1/jobs/01980a5e-5f0c-7a3e-9d6b-1f2e3d4c5b6a/cancel";
        for (method, path, scope) in [
            (Method::GET, "/livez", None),
            (Method::GET, "/docs/", None),
            (Method::GET, "/metrics", Some(Scope::Read)),
            (Method::GET, "/v1/datasets", Some(Scope::Read)),
            (Method::HEAD, "/v1/models/a", Some(Scope::Read)),
            (Method::POST, "/v1/models/a:predict", Some(Scope::Predict)),
            (Method::POST, "/v1/models/a/versions/1%3Apredict", Some(Scope::Predict)),
            (Method::POST, id, Some(Scope::Train)),
            (Method::DELETE, "/v1/models/a", Some(Scope::Train)),
            (Method::PATCH, "/anything", Some(Scope::Train)),
            (Method::GET, "/v1/audit", Some(Scope::Admin)),
        ] {
            assert_eq!(needed(&method, path), scope, "{method} {path}");
        }
    }
}
