//! `/` and `/page/{file}`: the web page.

use crate::{
    http::{
        entity,
        path::FileName,
        problem::{Kind, Problem},
    },
    page::{INDEX, PageFile, file},
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A browser asks each time whether its copy is still the one: the page is as new as the service.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The web page
#[utoipa::path(get, path = "/", operation_id = "page", tag = "documentation",
    responses(
        (status = 200, description = "The page", content_type = "text/html", body = String, example = "<!doctype html>"),
        (status = 304, description = "It is the page that the client has"),
    ))]
pub async fn index(headers: HeaderMap) -> Result<Response, Problem> {
    named(INDEX, &headers)
}

/// Files of the web page
#[utoipa::path(get, path = "/page/{file}", operation_id = "page_file", tag = "documentation",
    params(("file" = String, Path, description = "Its name", example = "main.js")),
    responses(
        (status = 200, description = "The file", content_type = "*/*", body = String),
        (status = 304, description = "It is the file that the client has"),
    ))]
pub async fn asset(FileName(name): FileName, headers: HeaderMap) -> Result<Response, Problem> {
    named(&name, &headers)
}

fn named(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let found = file(name).ok_or_else(|| Problem::new(Kind::NotFound, format!("no file {name:?} in the page")))?;
    answer(&found, headers)
}

fn answer(file: &PageFile, headers: &HeaderMap) -> Result<Response, Problem> {
    let etag = entity::tag(file.sha256())?;
    let common = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, REVALIDATE)];
    if entity::is_known(headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, file.media_type())], file.bytes).into_response())
}
