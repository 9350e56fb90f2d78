//! `/v1/jobs`: training.

use crate::{
    data::{
        named::{Named, PerOutput, per_output},
        recipe::{Task, task},
    },
    engine::{cancel::Cancellation, field::FieldError, spec::LayerSummary},
    http::{
        App,
        body::Json as Body,
        idempotency::{Created, IdempotencyKey, fingerprint},
        models::define,
        path::Id,
        problem::Problem,
        query::{Cursor, Limit, List, Parameters},
    },
    job::{
        Columns, Dataset, Job, JobOverview, JobPatch, JobProgress, JobSplit, JobStatus, Model, ModelWarning, Timing,
        labels, now,
        preprocessing::{JobPreprocessing, JobWarning},
        resolve::{JobRequest, Resolved, ResolvedNetwork, TableView, hint_of_training, resolve},
        sizes::JobSummary,
        training::JobTraining,
    },
    store::{JobFilter, Page, StoreError},
    worker,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::{collections::HashMap, sync::Arc, time::Duration};
use utoipa::ToSchema;
use uuid::Uuid;

const JOBS: &str = "/v1/jobs";

/// How long the steps of an epoch are measured, and as long its validation.
const MEASURED: Duration = Duration::from_millis(40);

/// How long a measurement may take in all.
const MEASURING: Duration = Duration::from_secs(1);

/// Train a model on a dataset
///
/// Settings that are left out follow from the target and the model, and are part of the answer. With `dry_run=true` nothing is
/// stored, and `definition` may be in the request, so that a model can be tried on a dataset before it exists.
#[utoipa::path(
    post,
    path = "/v1/jobs",
    tag = "jobs",
    params(IdempotencyKey, CreateQuery),
    request_body(content = JobRequest, example = json!({
        "model": "iris-mlp", "dataset": "iris", "target": "species",
        "training": {"epochs": 50, "batch_size": 16, "optimizer": "adam", "validation_split": 0.2, "seed": 7,
                     "early_stopping": {"monitor": "val_loss", "patience": 5, "restore_best_weights": true}}})),
    responses(
        (status = 200, description = "With `dry_run=true`: what the job would be", body = JobPlan),
        (status = 202, description = "The job, in the queue", body = Job, headers(("location" = String, description = "Its path"))),
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    key: IdempotencyKey,
    Parameters(query): Parameters<CreateQuery>,
    request: Result<Body<JobRequest>, Problem>,
) -> Result<Response, Problem> {
    let request = request.map_err(|problem| problem.map_errors(hint_of_training))?;
    if query.dry_run {
        return Ok(Json(plan(&app, request.value).await?).into_response());
    }
    if request.value.definition.is_some() {
        let detail = "expected `definition` with dry_run=true only: define the model with POST /v1/models first";
        return Err(FieldError::new("/definition", detail).into());
    }
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

/// Whether to store.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreateQuery {
    /// Whether to only check the request and answer what the job would be
    #[serde(default)]
    dry_run: bool,
}

/// What a job would be: the request with everything filled in.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPlan {
    /// The model's name.
    model: String,
    /// The dataset's name.
    dataset: String,
    /// Target columns, by output where there are several.
    #[schema(schema_with = per_output::<Columns>)]
    target: PerOutput<Columns>,
    /// Feature columns, in the order of list instances.
    features: Vec<String>,
    /// Feature columns of each input, for a model with named inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, Vec<String>>>)]
    inputs: Option<Named<Vec<String>>>,
    /// Task, by output where there are several.
    #[serde(serialize_with = "task::kinds")]
    #[schema(schema_with = task::schema)]
    task: PerOutput<Task>,
    /// Training settings with all defaults filled in.
    training: JobTraining,
    /// How the rows are divided.
    split: JobSplit,
    /// What becomes of the columns before the network.
    preprocessing: JobPreprocessing,
    /// Whether the model is compared with baselines at the end.
    baselines: bool,
    /// What is allowed and probably not intended.
    warnings: Vec<JobWarning>,
    /// Sizes.
    summary: JobSummary,
    /// The model's layers with their shapes.
    layers: Vec<LayerSummary>,
    /// Seconds that an epoch takes, about: measured on steps over made-up rows, while the machine does what else it does. Null for a
    /// classical model, and where two steps take more than a second.
    seconds_per_epoch: Option<f64>,
}

async fn plan(app: &App, mut request: JobRequest) -> Result<JobPlan, Problem> {
    let model = match request.definition.take() {
        None => named(app.store.model(&request.model).await, "/model")?,
        Some(definition) => {
            let model = define(&request.model, &definition, &app.config.limits.model())?;
            request.definition = Some(definition);
            model
        }
    };
    let Checked { model, dataset, mut resolved, .. } = check(app, &request, model).await?;
    let seconds_per_epoch = seconds_per_epoch(app, &mut resolved).await;
    Ok(JobPlan {
        model: model.name.clone(),
        dataset: dataset.name,
        target: resolved.target,
        features: resolved.features,
        inputs: resolved.inputs,
        task: resolved.task,
        training: resolved.training,
        split: resolved.split,
        preprocessing: resolved.preprocessing,
        baselines: resolved.baselines,
        warnings: all_warnings(resolved.warnings, model.warnings),
        summary: resolved.summary,
        layers: resolved.layers,
        seconds_per_epoch,
    })
}

async fn seconds_per_epoch(app: &App, resolved: &mut Resolved) -> Option<f64> {
    let ResolvedNetwork { architecture, columns, rows } = *resolved.network.take()?;
    let plan = resolved.training.network()?.plan(&resolved.task, rows.0, app.config.compute_threads());
    let memory = app.memory.try_reserve(resolved.summary.memory.peak_bytes).ok()?;
    // What is not measured in time ends early, and holds its memory until then.
    let (cancellation, _guard) = Cancellation::guarded();
    let measure = move || {
        let seconds = cancellation.within(|| worker::seconds_per_epoch(architecture, &columns, &plan, rows, MEASURED));
        drop(memory);
        seconds
    };
    tokio::time::timeout(MEASURING, tokio::task::spawn_blocking(measure)).await.ok()?.ok()?
}

/// A request with everything that it names.
struct Checked {
    model: Model,
    dataset: Dataset,
    validation: Option<Dataset>,
    resolved: Resolved,
}

async fn check(app: &App, request: &JobRequest, model: Model) -> Result<Checked, Problem> {
    labels::check(&request.labels, request.note.as_deref(), request.priority.unwrap_or_default())?;
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
        request,
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
    Ok(Checked { model, dataset, validation, resolved })
}

fn all_warnings(of_job: Vec<JobWarning>, of_model: Vec<ModelWarning>) -> Vec<JobWarning> {
    let of_model = of_model.into_iter().map(|warning| JobWarning {
        code: warning.code,
        columns: Vec::new(),
        detail: warning.detail,
    });
    of_job.into_iter().chain(of_model).collect()
}

async fn checked(app: &App, request: JobRequest) -> Result<Job, Problem> {
    let model = named(app.store.model(&request.model).await, "/model")?;
    let Checked { model, dataset, validation, resolved } = check(app, &request, model).await?;
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
        progress: JobProgress::new(resolved.training.epochs(), resolved.unit),
        training: resolved.training,
        split: Some(resolved.split),
        preprocessing: resolved.preprocessing,
        warnings: all_warnings(resolved.warnings, model.warnings),
        summary: Some(resolved.summary),
        status: JobStatus::Queued,
        queue_position: None,
        metrics: Map::new(),
        best: None,
        labels: request.labels,
        note: request.note,
        priority: request.priority.unwrap_or_default(),
        confusion_matrix: None,
        baselines: resolved.baselines,
        leaderboard: None,
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
    /// Only jobs with this label: its name, or `name=value`
    #[param(example = "team=a")]
    label: Option<String>,
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
    let label = query.label.map(|label| match label.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (label, None),
    });
    let filter = JobFilter { status: query.status, model: query.model, dataset: query.dataset, label };
    let page = Page { limit: query.limit.0, after: query.after.map(|cursor| cursor.0) };
    let List { mut data, next }: List<Job> = app.store.jobs(&filter, &page).await?.into();
    place(&app, &mut data).await?;
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
    placed(&app, app.store.job(id).await?).await
}

/// A job with its place in the queue.
pub async fn placed(app: &App, mut job: Job) -> Result<Json<Job>, Problem> {
    place(app, std::slice::from_mut(&mut job)).await?;
    Ok(Json(job))
}

/// Sets the place in the queue of those that are queued.
async fn place(app: &App, jobs: &mut [Job]) -> Result<(), Problem> {
    if jobs.iter().all(|job| job.status != JobStatus::Queued) {
        return Ok(());
    }
    let places: HashMap<Uuid, u64> = app.store.queue().await?.into_iter().zip(1..).collect();
    for job in jobs.iter_mut().filter(|job| job.status == JobStatus::Queued) {
        job.queue_position = places.get(&job.id).copied();
    }
    Ok(())
}

/// Change labels, note and priority of a job
///
/// What is left out stays; null removes.
#[utoipa::path(patch, path = "/v1/jobs/{job}", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    request_body(content = JobPatch, example = json!({"labels": {"team": "a", "old": null}, "note": "with more data"})),
    responses((status = 200, description = "The job", body = Job)))]
pub async fn patch(State(app): State<Arc<App>>, Id(id): Id, request: Body<JobPatch>) -> Result<Json<Job>, Problem> {
    request.value.check()?;
    placed(&app, app.store.patch_job(id, &request.value).await??).await
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
