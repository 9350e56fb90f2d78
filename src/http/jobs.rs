//! `/v1/jobs`: training.

use crate::{
    engine::field::FieldError,
    http::{
        App,
        body::Json as Body,
        idempotency::{Created, IdempotencyKey, fingerprint},
        path::Id,
        problem::Problem,
        query::{Cursor, Limit, List, Parameters},
    },
    job::{
        Dataset, Job, JobOverview, JobProgress, JobStatus, ModelWarning, Timing, now,
        preprocessing::JobWarning,
        resolve::{JobRequest, TableView, resolve},
    },
    store::{JobFilter, Page, StoreError},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::sync::Arc;
use uuid::Uuid;

const JOBS: &str = "/v1/jobs";

/// Train a model on a dataset
///
/// Settings that are left out follow from the target and the model, and are part of the answer.
#[utoipa::path(
    post,
    path = "/v1/jobs",
    tag = "jobs",
    params(IdempotencyKey),
    request_body(content = JobRequest, example = json!({
        "model": "iris-mlp", "dataset": "iris", "target": "species",
        "training": {"epochs": 50, "batch_size": 16, "optimizer": "adam", "validation_split": 0.2, "seed": 7,
                     "early_stopping": {"monitor": "val_loss", "patience": 5, "restore_best_weights": true}}})),
    responses((status = 202, description = "The job, in the queue", body = Job, headers(("location" = String, description = "Its path")))),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    key: IdempotencyKey,
    request: Body<JobRequest>,
) -> Result<Response, Problem> {
    let route = format!("POST {JOBS}");
    let fingerprint = fingerprint(&[&request.bytes]);
    if let Some(earlier) = key.earlier(&*app.store, &route, &fingerprint).await? {
        return Ok(earlier);
    }
    let job = checked(&app, request.value).await?;
    let created = Created::new(StatusCode::ACCEPTED, format!("{JOBS}/{}", job.id), &job)?;
    let receipt = key.receipt(&route, fingerprint, &created);
    created.answer(app.store.submit(&job, receipt.as_ref()).await)
}

async fn checked(app: &App, request: JobRequest) -> Result<Job, Problem> {
    let model = named(app.store.model(&request.model).await, "/model")?;
    let dataset = named(app.store.dataset(&request.dataset).await, "/dataset")?;
    let validation = match &request.validation_dataset {
        Some(key) => Some(named(app.store.dataset(key).await, "/validation_dataset")?),
        None => None,
    };
    let unreadable =
        |errors| Problem::internal(format!("model {} has a definition that is not valid: {errors:?}", model.id));
    let definition = model.parse_definition().map_err(unreadable)?;
    let limits = app.config.limits.model();
    let resolved = resolve(
        &request,
        &definition,
        &model.training_defaults,
        view(&dataset),
        validation.as_ref().map(view),
        &limits,
    )?;
    let (needed, total) = (resolved.summary.memory.peak_bytes, app.memory.total());
    if needed > total {
        let detail = format!(
            "expected a job that needs at most {total} bytes of memory, received one that needs {needed}; choose a smaller batch_size, \
             model or dataset"
        );
        return Err(FieldError::new("/model", detail).into());
    }
    let of_model =
        |warning: ModelWarning| JobWarning { code: warning.code, columns: Vec::new(), detail: warning.detail };
    let of_model = model.warnings.into_iter().map(of_model);
    Ok(Job {
        id: Uuid::now_v7(),
        model: model.name,
        model_id: model.id,
        dataset: dataset.name,
        dataset_id: dataset.id,
        target: resolved.target,
        features: resolved.features,
        inputs: resolved.inputs,
        validation_dataset_id: validation.as_ref().map(|dataset| dataset.id),
        validation_dataset: validation.map(|dataset| dataset.name),
        task: resolved.task,
        progress: JobProgress { epochs: resolved.training.epochs, ..JobProgress::default() },
        training: resolved.training,
        preprocessing: resolved.preprocessing,
        warnings: resolved.warnings.into_iter().chain(of_model).collect(),
        summary: Some(resolved.summary),
        status: JobStatus::Queued,
        metrics: Map::new(),
        confusion_matrix: None,
        best_epoch: None,
        version: None,
        attempt: 0,
        error: None,
        created_at: now(),
        started_at: None,
        ended_at: None,
        timing: Timing::default(),
    })
}

fn view(dataset: &Dataset) -> TableView<'_> {
    TableView { name: &dataset.name, rows: dataset.rows, columns: &dataset.columns }
}

/// The resource that a field of the request names; an error at that field where there is none.
fn named<T>(found: Result<T, StoreError>, pointer: &str) -> Result<T, Problem> {
    found.map_err(|error| match error {
        StoreError::NotFound(detail) => FieldError::new(pointer, detail).into(),
        error => error.into(),
    })
}

/// Which jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Only jobs of this status
    status: Option<JobStatus>,
    /// Only jobs of this model, by name or id
    model: Option<String>,
    /// Only jobs on this dataset, by name or id
    dataset: Option<String>,
    /// Maximum number of entries
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Cursor: `next` of the previous page
    #[param(value_type = Option<Uuid>)]
    after: Option<Cursor>,
    /// Whether to list jobs in full, with features, settings, warnings and confusion matrices
    #[serde(default)]
    full: bool,
}

/// A page of jobs, as an overview or in full.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum JobList {
    /// As an overview.
    Overview(List<JobOverview>),
    /// With `full=true`.
    Full(List<Job>),
}

/// List jobs, newest first
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(JobsQuery),
    responses((status = 200, description = "A page", body = JobList)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<JobsQuery>,
) -> Result<Json<JobList>, Problem> {
    let filter = JobFilter { status: query.status, model: query.model, dataset: query.dataset };
    let page = Page { limit: query.limit.0, after: query.after.map(|cursor| cursor.0) };
    let List { data, next } = app.store.jobs(&filter, &page).await?.into();
    Ok(Json(match query.full {
        true => JobList::Full(List { data, next }),
        false => JobList::Overview(List { data: data.into_iter().map(JobOverview).collect(), next }),
    }))
}

/// A job
#[utoipa::path(get, path = "/v1/jobs/{job}", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The job", body = Job)))]
pub async fn show(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<Job>, Problem> {
    Ok(Json(app.store.job(id).await?))
}

/// Cancel a job
///
/// A queued job ends at once, a running one within a batch.
#[utoipa::path(post, path = "/v1/jobs/{job}/cancel", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The job, ended or about to end", body = Job)))]
pub async fn cancel(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<Job>, Problem> {
    Ok(Json(app.store.cancel(id).await?))
}

/// Delete a job
///
/// Its events go with it. A job that has not ended is cancelled first, and a version that it made is deleted first.
#[utoipa::path(delete, path = "/v1/jobs/{job}", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(app): State<Arc<App>>, Id(id): Id) -> Result<StatusCode, Problem> {
    app.store.delete_job(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
