//! `openapi.yaml`: generated from the code, so that it is what is served.

use crate::http::routes;
use utoipa::openapi::OpenApi;

/// The whole description.
pub fn document() -> OpenApi {
    routes::documentation()
}

/// The whole description in YAML, as it is committed.
pub fn yaml() -> anyhow::Result<String> {
    Ok(document().to_yaml()?)
}
