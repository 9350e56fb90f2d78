//! `/openapi.yaml`, `/openapi.json` and `/docs`.

use crate::http::{
    openapi::Document,
    path::FileName,
    problem::{Kind, Problem},
};
use axum::{
    Extension,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use utoipa_swagger_ui::Config;

/// The OpenAPI description in YAML
#[utoipa::path(get, path = "/openapi.yaml", tag = "documentation",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/yaml", body = Object, example = json!({"openapi": "3.1.0"}))))]
pub async fn yaml(Extension(document): Extension<Arc<Document>>) -> Result<Response, Problem> {
    typed(document.yaml(), "application/yaml")
}

/// The OpenAPI description in JSON
#[utoipa::path(get, path = "/openapi.json", tag = "documentation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, example = json!({"openapi": "3.1.0"}))))]
pub async fn json(Extension(document): Extension<Arc<Document>>) -> Result<Response, Problem> {
    typed(document.json(), "application/json")
}

/// API documentation
#[utoipa::path(get, path = "/docs", tag = "documentation",
    responses((status = 303, description = "The page is at /docs/", headers(("location" = String, description = "`docs/`, relative to this path")))))]
pub async fn docs() -> Redirect {
    Redirect::to("docs/")
}

/// Page of the API documentation
#[utoipa::path(get, path = "/docs/", tag = "documentation",
    responses((status = 200, description = "A page", content_type = "text/html", body = String, example = "<!doctype html>")))]
pub async fn page() -> Result<Response, Problem> {
    file("index.html")
}

/// Assets of the API documentation
#[utoipa::path(get, path = "/docs/{file}", tag = "documentation",
    params(("file" = String, Path, description = "Its name", example = "swagger-ui.css")),
    responses((status = 200, description = "The file", content_type = "*/*", body = String)))]
pub async fn asset(FileName(name): FileName) -> Result<Response, Problem> {
    file(&name)
}

fn file(name: &str) -> Result<Response, Problem> {
    static CONFIG: OnceLock<Arc<Config<'static>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| Arc::new(Config::from("../openapi.json")));
    match utoipa_swagger_ui::serve(name, Arc::clone(config)) {
        Ok(Some(file)) => typed(file.bytes.into_owned().into(), &file.content_type),
        Ok(None) => Err(Problem::new(Kind::NotFound, format!("no file {name:?} in the documentation"))),
        Err(error) => Err(Problem::internal(error)),
    }
}

fn typed(bytes: Bytes, content_type: &str) -> Result<Response, Problem> {
    let content_type = HeaderValue::from_str(content_type).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, content_type)], bytes).into_response())
}
