//! `/v1/models`: definitions, and their trained versions.

use crate::{
    engine::{
        classical::ClassicalModel,
        field::{FieldError, to_value},
        spec::{Definition, Limits, Summary},
    },
    http::{
        App,
        body::Json as Body,
        idempotency::{Created, IdempotencyKey, fingerprint},
        path::{Key, KeyAndVersion, check_name},
        problem::Problem,
        query::{Limit, List, Paging, Parameters, Position},
    },
    job::{Model, ModelDefinition, ModelVersion, ModelWarning, now},
    keras,
    serving::ModelKey,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

const MODELS: &str = "/v1/models";

/// Bytes of a definition up to which it is checked on the calling thread.
const MAX_INLINE_BYTES: usize = 1 << 16;

/// The body of `POST /v1/models`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelRequest {
    /// Unique name.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", example = "iris-mlp")]
    name: String,
    /// Layers in our own form, Keras's `model.to_json()` as an object or as a string, or a classical model by its name or with its settings.
    #[schema(value_type = DefinitionRequest)]
    definition: Value,
}

/// A definition in one of its forms.
#[derive(ToSchema)]
#[schema(as = DefinitionRequest)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its documentation is used: which form it is decides how it is read")]
pub enum DefinitionRequest {
    /// Layers in our own form.
    Own(Definition),
    /// A classical model: `"random_forest"`, or `{"type": "random_forest", "n_estimators": 200}`.
    Classical(ClassicalModel),
    /// Keras's, as an object.
    Keras(KerasModel),
    /// Keras's, as a string.
    Text(String),
}

/// The JSON of `model.to_json()`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its documentation is used")]
pub struct KerasModel {
    /// `Sequential` or `Functional`.
    class_name: String,
    /// Keras's own.
    #[schema(value_type = Object)]
    config: Value,
}

/// Define a model
///
/// `summary` is null if the definition has no input shape, which is then inferred from the dataset of a job.
#[utoipa::path(
    post,
    path = "/v1/models",
    tag = "models",
    params(IdempotencyKey),
    request_body(content = ModelRequest, examples(
        ("own form" = (value = json!({"name": "iris-mlp", "definition": {"layers": [
            {"type": "dense", "units": 16, "activation": "relu"}, {"type": "dense", "units": 3, "activation": "softmax"}]}}))),
        ("Keras" = (value = json!({"name": "from-keras", "definition": {"class_name": "Sequential", "config": {"name": "sequential", "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "dtype": "float32", "name": "input"}},
            {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "softmax"}}]}}}))),
        ("classical" = (value = json!({"name": "iris-forest", "definition": {"type": "random_forest", "n_estimators": 200}}))),
    )),
    responses((status = 201, description = "The model", body = Model, headers(("location" = String, description = "Its path")))),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    key: IdempotencyKey,
    request: Body<ModelRequest>,
) -> Result<Response, Problem> {
    let route = format!("POST {MODELS}");
    let fingerprint = fingerprint(&[&request.bytes]);
    if let Some(earlier) = key.earlier(&*app.store, &route, &fingerprint).await? {
        return Ok(earlier);
    }
    let Body { value, bytes, memory: _memory } = request;
    let limits = app.config.limits.model();
    let model = match bytes.len() {
        ..=MAX_INLINE_BYTES => checked(value, &limits)?,
        _ => tokio::task::spawn_blocking(move || checked(value, &limits)).await.map_err(Problem::internal)??,
    };
    let created = Created::new(StatusCode::CREATED, format!("{MODELS}/{}", model.id), &model)?;
    let receipt = key.receipt(&route, fingerprint, &created);
    created.answer(app.store.create_model(&model, receipt.as_ref()).await)
}

/// A definition of any form, and what belongs to it.
struct Defined {
    definition: ModelDefinition,
    training_defaults: Map<String, Value>,
    summary: Option<Summary>,
    warnings: Vec<ModelWarning>,
}

/// Training defaults of a Keras model: what it was compiled with, Keras's validation split, and no preprocessing.
fn keras_defaults(compiled: keras::Compiled) -> Map<String, Value> {
    let mut defaults = compiled.training;
    defaults.insert("split_shuffle".to_owned(), Value::Bool(false));
    defaults.insert("preprocessing".to_owned(), Value::from("none"));
    defaults
}

fn defined(value: &Value, limits: &Limits) -> Result<Defined, Vec<FieldError>> {
    let (definition, training_defaults, warnings) = if keras::is_keras(value) {
        let (definition, mut compiled) = keras::import(value)?;
        let warnings = std::mem::take(&mut compiled.warnings);
        let warning = |it: keras::Warning| ModelWarning {
            code: it.code.to_owned(),
            pointer: format!("/definition{}", it.pointer),
            detail: it.detail,
        };
        (definition, keras_defaults(compiled), warnings.into_iter().map(warning).collect())
    } else {
        let layers = value.get("layers").and_then(Value::as_array);
        let max = limits.layers.min(Definition::MAX_LAYERS);
        if let Some(count) = layers.map(Vec::len).filter(|count| !(1..=max).contains(count)) {
            let detail = format!("expected 1 to {max} layers, received {count}");
            return Err(vec![FieldError::new("/layers", detail)]);
        }
        match ModelDefinition::from_value(value)? {
            ModelDefinition::Network(definition) => (definition, Map::new(), Vec::new()),
            definition @ ModelDefinition::Classical(_) => {
                return Ok(Defined { definition, training_defaults: Map::new(), summary: None, warnings: Vec::new() });
            }
        }
    };
    if definition.layers.len() > limits.layers {
        let (max, received) = (limits.layers, definition.layers.len());
        return Err(vec![FieldError::new("/layers", format!("expected at most {max} layers, received {received}"))]);
    }
    let summary = match definition.known_input_shapes() {
        Some(shapes) => Some(definition.resolve(&shapes, limits)?.summary()),
        None => None,
    };
    Ok(Defined { definition: ModelDefinition::Network(definition), training_defaults, summary, warnings })
}

fn checked(request: ModelRequest, limits: &Limits) -> Result<Model, Vec<FieldError>> {
    model(request.name, "/name", &request.definition, limits)
}

/// The model that `name` and `definition` of a dry run would make.
pub fn define(name: &str, definition: &Value, limits: &Limits) -> Result<Model, Vec<FieldError>> {
    model(name.to_owned(), "/model", definition, limits)
}

/// `pointer` is where the name was given.
fn model(name: String, pointer: &str, definition: &Value, limits: &Limits) -> Result<Model, Vec<FieldError>> {
    let named = check_name(&name, pointer).err();
    let below = |error: FieldError| error.under("/definition");
    let defined = defined(definition, limits).and_then(|it| match it.definition.to_value() {
        Ok(value) => Ok((value, it)),
        Err(error) => Err(vec![FieldError::new("", error.to_string())]),
    });
    match (named, defined) {
        (None, Ok((definition, Defined { training_defaults, summary, warnings, .. }))) => Ok(Model {
            id: Uuid::now_v7(),
            name,
            definition,
            training_defaults,
            latest_version: None,
            created_at: now(),
            summary,
            warnings,
        }),
        (named, defined) => Err(named.into_iter().chain(defined.err().into_iter().flatten().map(below)).collect()),
    }
}

/// List the models, newest first
#[utoipa::path(get, path = "/v1/models", tag = "models", params(Paging),
    responses((status = 200, description = "A page", body = List<Model>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<List<Model>>, Problem> {
    Ok(Json(app.store.models(&paging.page()).await?.into()))
}

/// A model
#[utoipa::path(get, path = "/v1/models/{model}", tag = "models",
    params(("model" = String, Path, description = "Name or id", example = "iris-mlp")),
    responses((status = 200, description = "The model", body = Model)))]
pub async fn show(State(app): State<Arc<App>>, Key(key): Key) -> Result<Json<Model>, Problem> {
    let mut model = app.store.model(&key).await?;
    if model.summary.is_none() && model.latest_version.is_some() {
        let (version, _) = app.store.version(&key, model.latest_version).await?;
        model.summary = version.summary;
    }
    Ok(Json(model))
}

/// Delete a model and its versions
#[utoipa::path(delete, path = "/v1/models/{model}", tag = "models",
    params(("model" = String, Path, description = "Name or id", example = "iris-mlp")),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(app): State<Arc<App>>, Key(key): Key) -> Result<Response, Problem> {
    // In a separate task: the files are removed with the record even if the client disconnects.
    let removing = tokio::spawn(async move {
        for artifact in app.store.delete_model(&key).await? {
            app.artifacts.remove(&artifact).await?;
        }
        Ok::<(), Problem>(())
    });
    removing.await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Which page of versions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionsQuery {
    /// Maximum number of entries
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Cursor: `next` of the previous page
    #[param(value_type = Option<u64>)]
    after: Option<Position>,
}

/// List a model's versions, newest first
#[utoipa::path(get, path = "/v1/models/{model}/versions", tag = "models",
    params(("model" = String, Path, description = "Name or id", example = "iris-mlp"), VersionsQuery),
    responses((status = 200, description = "A page", body = List<ModelVersion>)))]
pub async fn versions(
    State(app): State<Arc<App>>,
    Key(key): Key,
    Parameters(query): Parameters<VersionsQuery>,
) -> Result<Json<List<ModelVersion>>, Problem> {
    let (data, next) = app.store.versions(&key, query.limit.0, query.after.map(|after| after.0)).await?;
    Ok(Json(List { data, next: next.map(|next| next.to_string()) }))
}

/// A version
#[utoipa::path(get, path = "/v1/models/{model}/versions/{version}", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-mlp"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
    ),
    responses((status = 200, description = "The version", body = ModelVersion)))]
pub async fn version(
    State(app): State<Arc<App>>,
    KeyAndVersion(key, version): KeyAndVersion,
) -> Result<Json<ModelVersion>, Problem> {
    Ok(Json(app.store.version(&key, Some(version)).await?.0))
}

/// Delete a version
///
/// Its number is not given again. Where it was the latest, the one before it is.
#[utoipa::path(delete, path = "/v1/models/{model}/versions/{version}", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-mlp"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
    ),
    responses((status = 204, description = "Deleted")))]
pub async fn delete_version(
    State(app): State<Arc<App>>,
    KeyAndVersion(key, version): KeyAndVersion,
) -> Result<Response, Problem> {
    // In a separate task: the file is removed with the record even if the client disconnects.
    let removing = tokio::spawn(async move {
        let artifact = app.store.delete_version(&key, version).await?;
        app.artifacts.remove(&artifact).await
    });
    removing.await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The recipe of a version
///
/// What was fitted on the training rows and becomes of each value at a prediction, readable: `features` in the order of the inputs,
/// each with its column, its type and what was fitted, and `outputs` with the labels or the scale of the targets.
#[utoipa::path(get, path = "/v1/models/{model}/versions/{version}/recipe", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-mlp"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
    ),
    responses((status = 200, description = "The recipe", body = Object)))]
pub async fn recipe(
    State(app): State<Arc<App>>,
    KeyAndVersion(model, version): KeyAndVersion,
) -> Result<Json<Value>, Problem> {
    let model = app.models.find(ModelKey { model, version: Some(version) }).await?;
    Ok(Json(to_value(model.recipe()).map_err(Problem::internal)?))
}
