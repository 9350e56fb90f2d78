//! `/v1/jobs/{job}/…`: what users ask of a job that was submitted.

use crate::{
    http::{
        App,
        idempotency::{Created, IdempotencyKey, fingerprint},
        jobs::placed,
        path::Id,
        problem::{Kind, Problem},
    },
    job::{Job, ModelDefinition},
    store::StoreError,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use std::sync::Arc;
use uuid::Uuid;

/// Cancel a job
///
/// A queued or paused job ends at once, a running one within a batch.
#[utoipa::path(post, path = "/v1/jobs/{job}/cancel", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The job, ended or about to end", body = Job)))]
pub async fn cancel(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<Job>, Problem> {
    let job = app.store.cancel(id).await?;
    if job.status.is_terminal() {
        // No worker has it that would do this.
        let artifacts = app.artifacts.clone();
        tokio::task::spawn_blocking(move || artifacts.remove_checkpoints(id, None));
    }
    Ok(Json(job))
}

/// Pause a job
///
/// A queued job is paused at once, a running one within a batch: it keeps its memory, and gives its worker to other jobs. Until then its
/// status stays `running`. When the service stops, the job stays paused; resumed, a network continues after the last epoch whose state is
/// kept, and a classical model begins anew.
/// Classical models that are fitted in one go cannot be paused while they run.
#[utoipa::path(post, path = "/v1/jobs/{job}/pause", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The job, paused or about to be", body = Job)))]
pub async fn pause(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<Job>, Problem> {
    let refusal = refusal(&app, id, |definition| match definition {
        ModelDefinition::Classical(model) if !model.reports_progress() => {
            let kind = model.kind();
            Some(format!("a {kind} is fitted in one go, which cannot be paused: let it end, or cancel the job"))
        }
        _ => None,
    });
    let refusal = refusal.await?;
    Ok(Json(app.store.pause(id, refusal).await?))
}

/// Resume a paused job
///
/// It returns to the queue. Where it was paused while it ran, it goes on exactly where it was, before other queued jobs.
#[utoipa::path(post, path = "/v1/jobs/{job}/resume", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The job, queued or running", body = Job)))]
pub async fn resume(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<Job>, Problem> {
    placed(&app, app.store.resume(id).await?).await
}

/// Finish a job early
///
/// A network is trained to the end of the epoch that runs, and becomes a version with the weights of its best epoch: by the monitor of
/// `early_stopping`, else by `val_loss`, else by `loss`. A network of over 64 MiB without `early_stopping.restore_best_weights` has those of
/// the last epoch; a message of the job says which epoch it is. A forest and gradient boosting end with the trees or
/// rounds that they have. A paused job is resumed for that. Other classical models have no result before their end.
#[utoipa::path(post, path = "/v1/jobs/{job}/finish", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id")),
    responses((status = 200, description = "The job, about to end", body = Job)))]
pub async fn finish(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<Job>, Problem> {
    let refusal = refusal(&app, id, |definition| match definition {
        ModelDefinition::Network(_) => None,
        ModelDefinition::Classical(model) if model.can_finish_early() => None,
        ModelDefinition::Classical(model) => {
            let kind = model.kind();
            Some(format!("a {kind} has no result before its fit has ended: let it end, or cancel the job"))
        }
    });
    let refusal = refusal.await?;
    Ok(Json(app.store.finish_early(id, refusal).await?))
}

/// Run an ended job again
///
/// A new job with the same model, dataset and settings, its seeds, labels, note and priority among them.
#[utoipa::path(post, path = "/v1/jobs/{job}/retry", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id"), IdempotencyKey),
    responses((status = 202, description = "The new job, in the queue", body = Job,
        headers(("location" = String, description = "Its path")))))]
pub async fn retry(State(app): State<Arc<App>>, key: IdempotencyKey, Id(id): Id) -> Result<Response, Problem> {
    let route = format!("POST /v1/jobs/{id}/retry");
    let fingerprint = fingerprint(&[]);
    if let Some(earlier) = key.earlier(&*app.store, &route, &fingerprint).await? {
        return Ok(earlier);
    }
    let ended = app.store.job(id).await?;
    if !ended.status.is_terminal() {
        let status = ended.status.name();
        return Err(Problem::new(Kind::Conflict, format!("the job {id} is {status}: cancel it first")));
    }
    let needed = ended.summary.map_or(0, |summary| summary.memory.peak_bytes);
    if needed > app.memory.total() {
        let total = app.memory.total();
        let detail = format!("expected a job that needs at most {total} bytes of memory, but this one needs {needed}");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    let job = ended.again();
    let created = Created::new(StatusCode::ACCEPTED, format!("/v1/jobs/{}", job.id), &job)?;
    let receipt = key.receipt(&route, fingerprint, &created);
    created.answer(app.store.submit(&job, receipt.as_ref()).await.map_err(|error| match error {
        // The job is there; what it needs is not.
        StoreError::NotFound(detail) => StoreError::Conflict(detail),
        error => error,
    }))
}

/// Why `judge` refuses a job with this definition of its model, if it is a classical one.
async fn refusal(
    app: &App,
    id: Uuid,
    judge: impl Fn(&ModelDefinition) -> Option<String>,
) -> Result<Option<String>, Problem> {
    let job = app.store.job(id).await?;
    if job.training.network().is_some() || job.status.is_terminal() {
        return Ok(None);
    }
    let model = app.store.model(&job.model_id.to_string()).await?;
    let unreadable =
        |errors| Problem::internal(format!("model {} has a definition that is not valid: {errors:?}", model.id));
    Ok(judge(&model.parse_definition().map_err(unreadable)?))
}
