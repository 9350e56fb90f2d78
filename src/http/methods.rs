//! The methods of every path: those of the routes, verbs after a colon among them.

use crate::http::{
    cut::cut,
    problem::{Kind, Problem},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{collections::HashMap, sync::Arc};
use utoipa::openapi::{OpenApi, path::PathItem};

/// Methods by path template (`/v1/models/{model}:predict`).
#[derive(Debug, Clone, Default)]
pub struct Methods(HashMap<String, Vec<Method>>);

impl Methods {
    /// Those that are documented. Where there is GET, there is HEAD.
    pub fn of(document: &OpenApi) -> Self {
        Self(document.paths.paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect())
    }

    /// Every method that some path has.
    pub fn every(&self) -> Vec<Method> {
        let mut every: Vec<Method> = Vec::new();
        for method in self.0.values().flatten() {
            if !every.contains(method) {
                every.push(method.clone());
            }
        }
        every.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        every
    }

    /// The documented path that one that is not was probably meant to be: without a slash at its end, with the version.
    pub fn meant(&self, path: &str) -> Option<String> {
        let path = path.trim_end_matches('/');
        let path = path.strip_prefix("/api").unwrap_or(path);
        [path.to_owned(), format!("/v1{path}")].into_iter().find(|candidate| self.has(candidate))
    }

    /// Whether a path without a verb is documented.
    fn has(&self, path: &str) -> bool {
        let is_like = |known: &str, given: &str| {
            known == given || !given.is_empty() && known.starts_with('{') && known.ends_with('}')
        };
        self.0.keys().any(|template| {
            template.split('/').count() == path.split('/').count()
                && template.split('/').zip(path.split('/')).all(|(known, given)| is_like(known, given))
        })
    }

    /// Those of a request's path; none where nothing is documented there.
    fn at(&self, template: &str, path: &str) -> Option<&[Method]> {
        let methods = match verb(path) {
            Some(verb) => self.0.get(&format!("{template}:{verb}")),
            None => self.0.get(template),
        };
        methods.map(Vec::as_slice)
    }
}

fn methods(item: &PathItem) -> Vec<Method> {
    let known = [
        (item.get.is_some(), Method::GET),
        (item.get.is_some() || item.head.is_some(), Method::HEAD),
        (item.post.is_some(), Method::POST),
        (item.put.is_some(), Method::PUT),
        (item.patch.is_some(), Method::PATCH),
        (item.delete.is_some(), Method::DELETE),
    ];
    known.into_iter().filter(|(there, _)| *there).map(|(_, method)| method).collect()
}

/// The verb after the colon of the last segment. Some clients escape the colon.
pub fn verb(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next().unwrap_or_default();
    let (_, verb) = last.split_once(':').or_else(|| last.split_once("%3A")).or_else(|| last.split_once("%3a"))?;
    Some(verb)
}

/// Answers a method that the path does not have, with those that it has in `Allow`.
pub async fn check(State(methods): State<Arc<Methods>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let matched = request.extensions().get::<MatchedPath>();
    let allowed = matched.and_then(|matched| methods.at(matched.as_str(), path));
    let Some(allowed) = allowed.filter(|allowed| !allowed.contains(request.method())) else {
        return next.run(request).await;
    };
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    let names = names.join(", ");
    let has_method = |template: &str| methods.0.get(template).is_some_and(|known| known.contains(request.method()));
    let verbs = methods.0.keys().filter_map(|template| {
        let verb = template.strip_prefix(matched?.as_str())?.strip_prefix(':')?;
        has_method(template).then_some(verb)
    });
    let hint = match verb(path) {
        None => verbs.map(|verb| format!("; did you mean {}:{verb}?", cut(path))).next().unwrap_or_default(),
        Some(_) => String::new(),
    };
    let detail = format!("expected {names}, received {} on {}{hint}", cut(request.method().as_str()), cut(path));
    let mut response = Problem::new(Kind::MethodNotAllowed, detail).into_response();
    if let Ok(names) = HeaderValue::from_str(&names) {
        response.headers_mut().insert(header::ALLOW, names);
    }
    response
}
