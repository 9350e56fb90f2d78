//! `GET /problems/{kind}`: what the `type` of a problem means.

use crate::http::{
    accept,
    path::FileName,
    problem::{Kind, Problem},
};
use axum::{
    Json,
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

const FORMS: [&str; 3] = ["application/json", "text/html", "text/markdown"];

/// A kind of problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemKind {
    /// As in problems.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// As in problems.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// What a client can do.
    pub remedy: &'static str,
}

/// A kind of problem
///
/// The target of a problem's `type`, as JSON, HTML or Markdown.
#[utoipa::path(get, path = "/problems/{kind}", operation_id = "problem", tag = "service",
    params(("kind" = String, Path, description = "The end of `type`", example = "invalid")),
    responses((status = 200, description = "What it means, and what to do", content(
        (ProblemKind = "application/json"),
        (String = "text/html", example = "<!doctype html>"),
        (String = "text/markdown", example = "# The request is not valid\n"),
    ))))]
pub async fn show(FileName(name): FileName, headers: HeaderMap) -> Result<Response, Problem> {
    let path = format!("/problems/{name}");
    let kind = Kind::ALL.iter().copied().find(|kind| kind.names().0 == path);
    let kind = kind.ok_or_else(|| {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.names().0.trim_start_matches("/problems/")).collect();
        let kinds = kinds.join(", ");
        Problem::new(Kind::NotFound, format!("expected a kind of problem ({kinds}), received {name:?}"))
    })?;
    let (reference, title) = kind.names();
    let (meaning, remedy) = kind.explanation();
    let status = kind.status().as_u16();
    Ok(match accept::preferred(&headers, &FORMS)? {
        "text/html" => Html(format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<h1>{title}</h1>\n\
             <p><code>{reference}</code>, HTTP status {status}</p>\n<p>{meaning}</p>\n<p>{remedy}</p>\n</html>\n"
        ))
        .into_response(),
        "text/markdown" => {
            let text = format!("# {title}\n\n`{reference}`, HTTP status {status}\n\n{meaning}\n\n{remedy}\n");
            ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
        }
        _ => Json(ProblemKind { kind: reference, title, status, meaning, remedy }).into_response(),
    })
}
