//! Every route, registered together with its documentation.

use crate::http::{
    App, about, access, audit, control, curve,
    cut::cut,
    datasets, docs, events, explain, health, history, jobs,
    methods::{self, Methods},
    metrics, middleware, models,
    openapi::Document,
    page, predict,
    problem::{Kind, Problem},
    problems, profile, watch, weights,
};
use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::from_fn_with_state,
};
use std::sync::Arc;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::{AllowOrigin, CorsLayer},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Smaller answers are sent as they are.
const COMPRESS_ABOVE_BYTES: u16 = 1024;

/// The routes and what documents them.
fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(datasets::create, datasets::list))
        .routes(routes!(datasets::show, datasets::delete))
        .routes(routes!(datasets::rows))
        .routes(routes!(profile::show_profile))
        .routes(routes!(models::create, models::list))
        .routes(routes!(models::show, models::delete))
        .routes(routes!(models::versions))
        .routes(routes!(models::version, models::delete_version))
        .routes(routes!(weights::weights))
        .routes(routes!(models::recipe))
        .routes(routes!(explain::importances))
        .routes(routes!(explain::coefficients))
        .routes(routes!(explain::tree))
        .merge(predict::routes())
        .routes(routes!(jobs::create, jobs::list))
        .routes(routes!(jobs::show, jobs::patch, jobs::delete))
        .routes(routes!(control::cancel))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
        .routes(routes!(control::finish))
        .routes(routes!(control::retry))
        .routes(routes!(events::events))
        .routes(routes!(watch::watch))
        .routes(routes!(history::history))
        .routes(routes!(curve::curve))
        .routes(routes!(about::show))
        .routes(routes!(audit::list))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .routes(routes!(problems::show))
        .routes(routes!(page::index))
        .routes(routes!(page::asset))
        .routes(routes!(docs::yaml))
        .routes(routes!(docs::json))
        .routes(routes!(docs::docs))
        .routes(routes!(docs::page))
        .routes(routes!(docs::asset))
}

/// The description of the service.
pub fn document() -> serde_json::Result<Document> {
    Document::new(documented().into_openapi())
}

/// The service as a function from request to response.
pub fn router(app: Arc<App>) -> serde_json::Result<Router> {
    let (router, documentation) = documented().split_for_parts();
    let methods = Arc::new(Methods::of(&documentation));
    let cors = cors(&app.config.cors_origins, &methods);
    let known = Arc::clone(&methods);
    let mut router = router
        .fallback(move |request: Request| {
            let problem = unknown(request.uri().path(), &known);
            async move { problem }
        })
        .layer(from_fn_with_state(methods, methods::check))
        .layer(from_fn_with_state(Arc::clone(&app), access::check))
        .layer(Extension(Arc::new(Document::new(documentation)?)))
        .layer(compression());
    if let Some(cors) = cors {
        router = router.layer(cors);
    }
    Ok(router.layer(from_fn_with_state(Arc::clone(&app), middleware::wrap)).with_state(app).with_state(()))
}

fn unknown(path: &str, methods: &Methods) -> Problem {
    let (path, meant) = (cut(path), methods.meant(path));
    let hint = match &meant {
        Some(meant) => format!("did you mean {}?", cut(meant)),
        None => "see /docs or /openapi.yaml for those there are".to_owned(),
    };
    Problem::new(Kind::NotFound, format!("no route {path}: {hint}"))
}

/// Event streams are never compressed: an event would wait for the next ones to fill a block. Weights hardly get smaller, and keep
/// their length.
fn compression() -> CompressionLayer<impl Predicate> {
    let is_worth_it = SizeAbove::new(COMPRESS_ABOVE_BYTES.into()).and(NotForContentType::SSE);
    CompressionLayer::new().compress_when(is_worth_it.and(NotForContentType::const_new("application/octet-stream")))
}

/// None unless pages of other origins were allowed.
fn cors(origins: &[String], methods: &Methods) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let idempotency_key = HeaderName::from_static("idempotency-key");
    let last_event_id = HeaderName::from_static("last-event-id");
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods.every())
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                idempotency_key,
                last_event_id,
                middleware::X_REQUEST_ID,
            ])
            .expose_headers([
                header::LOCATION,
                header::RETRY_AFTER,
                header::WWW_AUTHENTICATE,
                middleware::X_REQUEST_ID,
            ]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_served_is_what_is_documented() {
        let (router, documentation) = documented().split_for_parts();
        // Only the router's debug output lists its paths, and after them those of its fallback, which answers every path.
        let printed = format!("{router:?}");
        let own = printed.split("fallback_router").next().unwrap_or_default();
        let served: BTreeSet<String> =
            own.split('"').filter(|text| text.starts_with('/')).map(ToOwned::to_owned).collect();
        let described: BTreeSet<String> =
            documentation.paths.paths.keys().map(|path| path.split(':').next().unwrap_or(path).to_owned()).collect();
        assert!(served.len() > 15, "{printed}");
        assert_eq!(served, described);
    }

    #[test]
    fn a_path_that_is_nearly_right_names_the_right_one() {
        let (_, documentation) = documented().split_for_parts();
        let methods = Methods::of(&documentation);
        for (path, meant) in [
            ("/v1/jobs/", Some("/v1/jobs")),
            ("/jobs", Some("/v1/jobs")),
            ("/api/v1/models/a/", Some("/v1/models/a")),
            ("/v1/job", None),
            ("/", None),
        ] {
            assert_eq!(methods.meant(path).as_deref(), meant, "{path}");
        }
    }
}
