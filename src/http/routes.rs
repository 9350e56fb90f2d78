//! Every route, registered together with its documentation.

use crate::http::{
    App, about, datasets, docs, door, events, health, jobs, metrics, models, predict,
    problem::{Kind, Problem},
};
use axum::{Router, extract::Request, middleware};
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes and what documents them.
fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(datasets::create, datasets::list))
        .routes(routes!(datasets::show, datasets::delete))
        .routes(routes!(datasets::rows))
        .routes(routes!(models::create, models::list))
        .routes(routes!(models::show, models::delete))
        .routes(routes!(models::versions))
        .routes(routes!(models::version))
        .merge(predict::routes())
        .routes(routes!(jobs::create, jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::cancel))
        .routes(routes!(events::events))
        .routes(routes!(about::show))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .routes(routes!(docs::yaml))
        .routes(routes!(docs::json))
        .routes(routes!(docs::docs))
        .routes(routes!(docs::page))
        .routes(routes!(docs::asset))
}

/// What documents the routes.
pub fn documentation() -> OpenApi {
    documented().into_openapi()
}

/// The service as a function from request to response.
pub fn router(app: Arc<App>) -> Router {
    let (router, _) = documented().split_for_parts();
    router
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), door::door))
        .with_state(app)
        .with_state(())
}

async fn unknown(request: Request) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!("no route {}: see /docs or /openapi.yaml for those there are", request.uri().path()),
    )
}
