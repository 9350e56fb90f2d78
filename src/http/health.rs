//! `GET /livez` and `GET /readyz`.

use crate::{
    http::{
        App,
        problem::{Kind, Problem},
    },
    store::{StoreError, artifacts::ArtifactKey},
};
use axum::{Json, extract::State};
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Health status; a failed check is a problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

/// Whether a path is one of those that are always answered, however many connections are in use.
pub fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/metrics")
}

/// Liveness check
#[utoipa::path(get, path = "/livez", tag = "service", responses((status = 200, description = "The process is alive", body = Health)))]
pub async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Readiness check: the database and artifacts can be written
#[utoipa::path(get, path = "/readyz", tag = "service", responses((status = 200, description = "Ready to serve", body = Health)))]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<Health>, Problem> {
    if app.shutdown.is_cancelled() {
        return Err(Problem::new(Kind::Unavailable, "the service is shutting down"));
    }
    let unavailable = |what: &str, error: &StoreError| {
        tracing::warn!(error = error.with_cause(), "not ready: {what}");
        Problem::new(Kind::Unavailable, format!("{what}; the log has the reason"))
    };
    app.store.ping().await.map_err(|error| unavailable("the database cannot be written", &error))?;
    let probe = ArtifactKey::probe();
    let written = app.artifacts.put(&probe, Bytes::from_static(b"ready?")).await;
    written.map_err(|error| unavailable("artifacts cannot be written", &error))?;
    app.artifacts.remove(&probe).await.map_err(|error| unavailable("artifacts cannot be removed", &error))?;
    Ok(Json(Health { status: "ok" }))
}
