//! Predictions: `POST /v1/models/{model}:predict`, of the latest version or of a given one.

use crate::{
    engine::field::FieldError,
    http::{
        App,
        body::{self, Raw},
        metrics,
        middleware::RouteTemplate,
        path::{Key, KeyAndVersion},
        problem::Problem,
        query::Parameters,
        turns::in_turn,
        verb,
    },
    serving::{Format, Instances, InstancesError, LoadError, ModelKey, Plan, PredictBody, PredictError, parts},
};
use axum::{
    Extension, RequestPartsExt,
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;

/// The routes and what documents them. The router cannot have the verb in a path, so these are registered beside their
/// documentation rather than from it.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    #[derive(OpenApi)]
    #[openapi(paths(latest, version), components(schemas(PredictRequest, Instance)))]
    struct Documentation;

    OpenApiRouter::with_openapi(Documentation::openapi())
        .route("/v1/models/{model}", post(latest))
        .route("/v1/models/{model}/versions/{version}", post(version))
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PredictQuery {
    /// `raw` for the outputs of the network instead of labels and values
    #[serde(default)]
    #[param(inline)]
    pub format: Format,
}

/// What to predict.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"instances": [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]}))]
pub struct PredictRequest {
    /// Records of raw values by column name, in any order; or lists in the training order of the features.
    #[schema(value_type = Vec<Instance>, min_items = 1, max_items = 100_000)]
    #[allow(dead_code, reason = "documentation only: the body is read without a copy")]
    instances: (),
}

/// One instance.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its documentation is used")]
pub enum Instance {
    /// Raw values by column name.
    Record(HashMap<String, Value>),
    /// Values in the training order of the features, or nested as the input's shape.
    List(Vec<Value>),
}

/// The latest version of the model in the path.
#[derive(Debug)]
pub struct LatestVersion(ModelKey);

impl<S: Sync> FromRequestParts<S> for LatestVersion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        verb::expect("predict", parts)?;
        let Key(model) = parts.extract().await?;
        Ok(Self(ModelKey { model, version: None }))
    }
}

/// The version in the path.
#[derive(Debug)]
pub struct ExactVersion(ModelKey);

impl<S: Sync> FromRequestParts<S> for ExactVersion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        verb::expect("predict", parts)?;
        let KeyAndVersion(model, version) = parts.extract().await?;
        Ok(Self(ModelKey { model, version: Some(version) }))
    }
}

/// Predict with the latest version
///
/// Instances have raw values; the preprocessing that was fitted in training is applied to them.
#[utoipa::path(
    post,
    path = "/v1/models/{model}:predict",
    operation_id = "predict",
    tag = "models",
    params(("model" = String, Path, description = "Name or id", example = "iris-mlp"), PredictQuery),
    request_body(content = PredictRequest, example = json!({"instances": [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]})),
    responses((status = 200, body = PredictBody<'static>, description = "One prediction per instance, in order")),
)]
async fn latest(
    State(app): State<Arc<App>>,
    LatestVersion(key): LatestVersion,
    Parameters(query): Parameters<PredictQuery>,
    request: Request,
) -> Response {
    let answer = predict(&app, key, query, request).await;
    (Extension(RouteTemplate("/v1/models/{model}:predict")), answer).into_response()
}

/// Predict with a given version
#[utoipa::path(
    post,
    path = "/v1/models/{model}/versions/{version}:predict",
    operation_id = "predict_with_version",
    tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-mlp"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
        PredictQuery,
    ),
    request_body(content = PredictRequest, example = json!({"instances": [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]})),
    responses((status = 200, body = PredictBody<'static>, description = "One prediction per instance, in order")),
)]
async fn version(
    State(app): State<Arc<App>>,
    ExactVersion(key): ExactVersion,
    Parameters(query): Parameters<PredictQuery>,
    request: Request,
) -> Response {
    let answer = predict(&app, key, query, request).await;
    (Extension(RouteTemplate("/v1/models/{model}/versions/{version}:predict")), answer).into_response()
}

/// Bytes of a body up to which its instances are counted on the calling thread.
const MAX_INLINE_BYTES: usize = 1 << 18;

/// Bytes of an answer up to which it is written as a whole, and up to which on the calling thread.
const MAX_WHOLE_BYTES: u64 = 1 << 20;
const MAX_INLINE_ANSWER_BYTES: u64 = 1 << 16;

async fn predict(app: &App, key: ModelKey, query: PredictQuery, request: Request) -> Result<Response, Problem> {
    let Raw { bytes, mut memory } = body::read_json(request, app).await?;
    let model = app.models.find(key).await?;
    let instances = if bytes.len() <= MAX_INLINE_BYTES {
        Instances::from_body(bytes)?
    } else {
        in_turn(|| Instances::from_body(bytes)).await??
    };
    let plan = model.plan(instances.len(), query.format);
    check(&plan, instances.len(), app)?;
    memory.grow(plan.memory_bytes, body::PATIENCE).await?;
    let count = instances.len();
    let (predicted, memory) = Arc::clone(&model).predict(instances, memory).await?;
    metrics::predicted(count);
    let body = if plan.answer_bytes > MAX_WHOLE_BYTES {
        Body::from_stream(parts(model, predicted, query.format, plan.part_rows, memory))
    } else if plan.answer_bytes > MAX_INLINE_ANSWER_BYTES {
        let written = tokio::task::spawn_blocking(move || model.answer(&predicted, query.format));
        written.await.map_err(Problem::internal)?.map_err(Problem::internal)?.into()
    } else {
        model.answer(&predicted, query.format).map_err(Problem::internal)?.into()
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Fails for a prediction that is too large whenever it comes.
fn check(plan: &Plan, instances: usize, app: &App) -> Result<(), FieldError> {
    let (max, total) = (app.config.limits.max_answer_bytes, app.memory.total());
    let wrong = if plan.answer_bytes > max {
        format!("an answer of at most {max} bytes, received {instances} instances with about {}", plan.answer_bytes)
    } else if plan.memory_bytes > total {
        format!(
            "to need at most {total} bytes of memory, received {instances} instances that need {}",
            plan.memory_bytes
        )
    } else {
        return Ok(());
    };
    let hint = if instances > 1 { "; send fewer instances at a time" } else { "" };
    Err(FieldError::new("/instances", format!("expected {wrong}{hint}")))
}

impl From<InstancesError> for Problem {
    fn from(error: InstancesError) -> Self {
        match error {
            InstancesError::Json(error) => error.into(),
            InstancesError::Invalid(errors) => Self::invalid(errors),
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NotFound(detail) => Self::new(crate::http::problem::Kind::NotFound, detail),
            LoadError::Memory(refusal) => refusal.into(),
            LoadError::Unavailable(detail) => Self::new(crate::http::problem::Kind::Unavailable, detail),
            LoadError::Internal(error) => Self::internal(format_args!("{error:#}")),
        }
    }
}

impl From<PredictError> for Problem {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::Json(error) => error.into(),
            PredictError::Invalid(errors) => Self::invalid(errors),
            PredictError::Internal(error) => Self::internal(error),
        }
    }
}
