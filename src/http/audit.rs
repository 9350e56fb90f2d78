//! `GET /v1/audit`: who wrote what, and when.

use crate::{
    http::{
        App,
        problem::Problem,
        query::{List, Paging, Parameters},
    },
    store::keys::AuditEntry,
};
use axum::{Json, extract::State};
use std::sync::Arc;

/// List the writes, newest first
///
/// Every request that created, changed or deleted something, with the API key that it came with, and every
/// `epoca keys create` and `epoca keys revoke` on the machine of the service.
#[utoipa::path(get, path = "/v1/audit", operation_id = "audit", tag = "service", params(Paging),
    responses((status = 200, description = "A page", body = List<AuditEntry>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<List<AuditEntry>>, Problem> {
    Ok(Json(app.store.audited(&paging.page()).await?.into()))
}
