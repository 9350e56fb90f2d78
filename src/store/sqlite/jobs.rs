//! Jobs: loads and saves the state whose transitions are in `store::state`, and appends events.

use crate::{
    engine::field::FieldError,
    job::{self, Job, JobPatch, JobStatus, Timing},
    store::{
        Claim, JobFilter, Listed, NewEvent, Outcome, Page, Receipt, Recovered, Report, StoreError,
        changes::{Asked, Changes},
        sqlite::{
            events, listed, models, receipts,
            record::{Record, count, json},
            rows_of_page,
        },
        state::JobState,
    },
};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteRow};
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

pub async fn submit(transaction: &mut SqliteConnection, job: Job, receipt: Option<&Receipt>) -> Result<(), StoreError> {
    receipts::keep(transaction, receipt).await?;
    let used: (bool, bool, bool) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM models WHERE id = ?1), EXISTS (SELECT 1 FROM datasets WHERE id = ?2),
                ?3 IS NULL OR EXISTS (SELECT 1 FROM datasets WHERE id = ?3)",
    )
    .bind(job.model_id.to_string())
    .bind(job.dataset_id.to_string())
    .bind(job.validation_dataset_id.map(|id| id.to_string()))
    .fetch_one(&mut *transaction)
    .await?;
    let gone = |kind: &str, name: &str| StoreError::NotFound(format!("no {kind} {name:?} any more: it was deleted"));
    match used {
        (false, _, _) => return Err(gone("model", &job.model)),
        (_, false, _) => return Err(gone("dataset", &job.dataset)),
        (_, _, false) => return Err(gone("dataset", job.validation_dataset.as_deref().unwrap_or_default())),
        (true, true, true) => {}
    }
    let (state, transition) = JobState::submitted(job);
    insert(transaction, &state).await?;
    events::append(transaction, state.job.id, &transition).await
}

pub async fn load(connection: &mut SqliteConnection, id: Uuid) -> Result<JobState, StoreError> {
    let row = sqlx::query("SELECT * FROM jobs WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| StoreError::NotFound(format!("no job {id}")))?;
    state(&row)
}

pub async fn list(
    connection: &mut SqliteConnection,
    filter: &JobFilter,
    page: &Page,
) -> Result<Listed<Job>, StoreError> {
    const SIZE: &str =
        "SELECT length(features) + length(training) + length(metrics) + coalesce(length(preprocessing), 0)
        + coalesce(length(warnings), 0) + coalesce(length(confusion_matrix), 0)
        + coalesce(length(leaderboard), 0) FROM jobs WHERE TRUE";
    let mut sizes = filtered(SIZE, filter, page);
    sizes.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(page.limit));
    let sizes: Vec<i64> = sizes.build_query_scalar().fetch_all(&mut *connection).await?;
    let page = &Page { limit: rows_of_page(&sizes, page.limit), ..page.clone() };
    let mut query = filtered("SELECT * FROM jobs WHERE TRUE", filter, page);
    query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(page.limit) + 1);
    let rows = query.build().fetch_all(connection).await?;
    listed(&rows, page, |row| Ok(state(row)?.job), |job| job.id)
}

fn filtered(select: &'static str, filter: &JobFilter, page: &Page) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(select);
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status.name());
    }
    for (name, id, value) in [("model", "model_id", &filter.model), ("dataset", "dataset_id", &filter.dataset)] {
        let Some(value) = value else { continue };
        // A name means what has it now, and what had it last where that is deleted.
        query.push(format!(" AND ({name} = ")).push_bind(value.clone());
        query.push(format!(" AND {id} = coalesce((SELECT id FROM {name}s WHERE name = ")).push_bind(value.clone());
        query.push(format!("), {id})"));
        if value.parse::<Uuid>().is_ok() {
            query.push(format!(" OR {id} = ")).push_bind(value.clone());
        }
        query.push(")");
    }
    if let Some((name, value)) = &filter.label {
        query.push(" AND EXISTS (SELECT 1 FROM json_each(labels) AS label WHERE label.key = ").push_bind(name);
        if let Some(value) = value {
            query.push(" AND label.value = ").push_bind(value);
        }
        query.push(")");
    }
    if let Some(after) = page.after {
        query.push(" AND id < ").push_bind(after.to_string());
    }
    query
}

/// What a user asks of a job. Returns the job, and all that is asked of it now.
pub async fn ask(
    transaction: &mut SqliteConnection,
    id: Uuid,
    request: impl FnOnce(&mut JobState) -> Result<Vec<NewEvent>, StoreError>,
) -> Result<(Job, Asked), StoreError> {
    let mut state = load(&mut *transaction, id).await?;
    let transition = request(&mut state)?;
    save(&mut *transaction, &state).await?;
    events::append(transaction, id, &transition).await?;
    Ok((state.job, state.asked))
}

pub async fn patch(
    transaction: &mut SqliteConnection,
    id: Uuid,
    patch: &JobPatch,
) -> Result<Result<Job, FieldError>, StoreError> {
    let mut state = load(&mut *transaction, id).await?;
    if let Err(error) = state.job.apply(patch) {
        return Ok(Err(error));
    }
    sqlx::query("UPDATE jobs SET labels = ?2, note = ?3, priority = ?4 WHERE id = ?1")
        .bind(id.to_string())
        .bind(json(&state.job.labels)?)
        .bind(&state.job.note)
        .bind(state.job.priority)
        .execute(transaction)
        .await?;
    Ok(Ok(state.job))
}

pub async fn claim(transaction: &mut SqliteConnection, changes: Arc<Changes>) -> Result<Option<Claim>, StoreError> {
    let row = sqlx::query("SELECT * FROM jobs WHERE status = 'queued' AND NOT held ORDER BY priority DESC, id LIMIT 1")
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut state = state(&row)?;
    let id = state.job.id;
    let transition = state.claim(job::now());
    // Watched before the commit, so that every request after this claim is seen.
    let changes = changes.job(id);
    changes.begin(state.asked);
    save(&mut *transaction, &state).await?;
    events::append(transaction, id, &transition).await?;
    Ok(Some(Claim { job: state.job, fence: state.fence, changes, checkpoint: state.checkpoint }))
}

pub async fn report(
    transaction: &mut SqliteConnection,
    id: Uuid,
    fence: u64,
    report: &Report,
) -> Result<Asked, StoreError> {
    let mut state = held(&mut *transaction, id, fence).await?;
    state.report(report);
    save(&mut *transaction, &state).await?;
    events::append(transaction, id, &report.events).await?;
    Ok(state.asked)
}

pub async fn park(
    transaction: &mut SqliteConnection,
    id: Uuid,
    fence: u64,
    report: &Report,
) -> Result<bool, StoreError> {
    let mut state = held(&mut *transaction, id, fence).await?;
    state.report(report);
    let transition = state.park(job::now());
    save(&mut *transaction, &state).await?;
    events::append(&mut *transaction, id, &report.events).await?;
    events::append(transaction, id, transition.as_slice()).await?;
    Ok(state.job.status == JobStatus::Paused)
}

pub async fn unpark(transaction: &mut SqliteConnection, id: Uuid, fence: u64) -> Result<bool, StoreError> {
    let mut state = held(&mut *transaction, id, fence).await?;
    let transition = state.unpark(job::now());
    save(&mut *transaction, &state).await?;
    events::append(transaction, id, transition.as_slice()).await?;
    Ok(state.job.status == JobStatus::Running)
}

pub async fn finish(
    transaction: &mut SqliteConnection,
    id: Uuid,
    fence: u64,
    report: &Report,
    outcome: &Outcome,
) -> Result<Job, StoreError> {
    let mut state = held(&mut *transaction, id, fence).await?;
    state.report(report);
    let number = match outcome {
        Outcome::Succeeded { version, artifact, .. } if state.commits_version(outcome) => {
            Some(models::add_version(&mut *transaction, state.job.model_id, version, artifact).await?)
        }
        _ => None,
    };
    let transition = state.finish(outcome, number, job::now());
    save(&mut *transaction, &state).await?;
    events::append(&mut *transaction, id, &report.events).await?;
    events::append(transaction, id, &transition).await?;
    Ok(state.job)
}

pub async fn recover(transaction: &mut SqliteConnection, max_attempts: u32) -> Result<Recovered, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM jobs WHERE status IN ('running', 'paused', 'queued') AND (status = 'running' OR held) ORDER BY id",
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut recovered = Recovered::default();
    for row in &rows {
        let mut state = state(row)?;
        let transition = state.recover(max_attempts, job::now());
        match state.job.status {
            JobStatus::Queued => recovered.queued += 1,
            JobStatus::Paused => recovered.paused += 1,
            JobStatus::Cancelled => recovered.cancelled += 1,
            _ => recovered.failed += 1,
        }
        save(&mut *transaction, &state).await?;
        events::append(&mut *transaction, state.job.id, &transition).await?;
    }
    Ok(recovered)
}

pub async fn checkpoints(connection: &mut SqliteConnection) -> Result<HashSet<(Uuid, u32)>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, checkpoint FROM jobs WHERE status IN ('queued', 'running', 'paused') AND checkpoint > 0",
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(Record).map(|record| Ok((record.id("id")?, record.count("checkpoint")?))).collect()
}

pub async fn queue(connection: &mut SqliteConnection) -> Result<Vec<Uuid>, StoreError> {
    let rows = sqlx::query("SELECT id FROM jobs WHERE status = 'queued' AND NOT held ORDER BY priority DESC, id")
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Record(row).id("id")).collect()
}

pub async fn depth(connection: &mut SqliteConnection) -> Result<(u64, u64), StoreError> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE status = 'queued') AS queued, count(*) FILTER (WHERE status = 'running') AS running
         FROM jobs WHERE status IN ('queued', 'running')",
    )
    .fetch_one(connection)
    .await?;
    let record = Record(&row);
    Ok((record.count("queued")?, record.count("running")?))
}

async fn held(transaction: &mut SqliteConnection, id: Uuid, fence: u64) -> Result<JobState, StoreError> {
    let state = load(transaction, id).await?;
    state.check_holder(fence)?;
    Ok(state)
}

/// Writes the columns that never change; [`save`] writes the others.
async fn insert(transaction: &mut SqliteConnection, state: &JobState) -> Result<(), StoreError> {
    let job = &state.job;
    sqlx::query(
        "INSERT INTO jobs (id, model, model_id, dataset, dataset_id, validation_dataset, validation_dataset_id,
                           target, features, inputs, task, training, split, preprocessing, warnings, summary,
                           created_at, labels, note, priority, baselines,
                           status, progress, metrics, attempt, queued_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', 0, 0)",
    )
    .bind(job.id.to_string())
    .bind(&job.model)
    .bind(job.model_id.to_string())
    .bind(&job.dataset)
    .bind(job.dataset_id.to_string())
    .bind(&job.validation_dataset)
    .bind(job.validation_dataset_id.map(|id| id.to_string()))
    .bind(json(&job.target)?)
    .bind(json(&job.features)?)
    .bind(job.inputs.as_ref().map(json).transpose()?)
    .bind(json(&job.task)?)
    .bind(json(&job.training)?)
    .bind(job.split.as_ref().map(json).transpose()?)
    .bind(json(&job.preprocessing)?)
    .bind(json(&job.warnings)?)
    .bind(job.summary.as_ref().map(json).transpose()?)
    .bind(job.created_at.as_microsecond())
    .bind(json(&job.labels)?)
    .bind(&job.note)
    .bind(job.priority)
    .bind(job.baselines)
    .execute(&mut *transaction)
    .await?;
    save(transaction, state).await
}

async fn save(transaction: &mut SqliteConnection, state: &JobState) -> Result<(), StoreError> {
    let job = &state.job;
    sqlx::query(
        "UPDATE jobs SET status = ?2, progress = ?3, metrics = ?4, best_epoch = ?5, version = ?6, attempt = ?7, error = ?8,
                         queued_at = ?9, started_at = ?10, ended_at = ?11, queued_seconds = ?12,
                         preparing_seconds = ?13, training_seconds = ?14, fence = ?15, cancelling = ?16,
                         confusion_matrix = ?17, best = ?18, pausing = ?19, finish_after = ?20, held = ?21,
                         leaderboard = ?22, checkpoint = ?23, fruitless = ?24
         WHERE id = ?1",
    )
    .bind(job.id.to_string())
    .bind(job.status.name())
    .bind(json(&job.progress)?)
    .bind(json(&job.metrics)?)
    .bind(job.best_epoch)
    .bind(job.version.map(count).transpose()?)
    .bind(job.attempt)
    .bind(job.error.as_ref().map(json).transpose()?)
    .bind(state.queued_at.as_microsecond())
    .bind(job.started_at.map(|time| time.as_microsecond()))
    .bind(job.ended_at.map(|time| time.as_microsecond()))
    .bind(job.timing.queued_seconds)
    .bind(job.timing.preparing_seconds)
    .bind(job.timing.training_seconds)
    .bind(count(state.fence)?)
    .bind(state.asked.cancel)
    .bind(job.confusion_matrix.as_ref().map(json).transpose()?)
    .bind(job.best.as_ref().map(json).transpose()?)
    .bind(state.asked.pause)
    .bind(state.asked.finish_after)
    .bind(state.held)
    .bind(job.leaderboard.as_ref().map(json).transpose()?)
    .bind(state.checkpoint)
    .bind(state.fruitless)
    .execute(transaction)
    .await?;
    Ok(())
}

fn state(row: &SqliteRow) -> Result<JobState, StoreError> {
    let record = Record(row);
    let job = Job {
        id: record.id("id")?,
        model: record.text("model")?,
        model_id: record.id("model_id")?,
        dataset: record.text("dataset")?,
        dataset_id: record.id("dataset_id")?,
        target: record.json("target")?,
        features: record.json("features")?,
        inputs: record.optional_json("inputs")?,
        validation_dataset: record.optional_text("validation_dataset")?,
        validation_dataset_id: record.optional_id("validation_dataset_id")?,
        task: record.json("task")?,
        training: record.json("training")?,
        split: record.optional_json("split")?,
        preprocessing: record.optional_json("preprocessing")?.unwrap_or_default(),
        warnings: record.optional_json("warnings")?.unwrap_or_default(),
        summary: record.optional_json("summary")?,
        status: record.word("status")?,
        queue_position: None,
        progress: record.json("progress")?,
        metrics: record.json("metrics")?,
        confusion_matrix: record.optional_json("confusion_matrix")?,
        best: record.optional_json("best")?,
        baselines: record.count::<u8>("baselines")? != 0,
        leaderboard: record.optional_json("leaderboard")?,
        labels: record.optional_json("labels")?.unwrap_or_default(),
        note: record.optional_text("note")?,
        priority: record.count("priority")?,
        best_epoch: record.optional_count("best_epoch")?,
        version: record.optional_count("version")?,
        attempt: record.count("attempt")?,
        error: record.optional_json("error")?,
        created_at: record.time("created_at")?,
        started_at: record.optional_time("started_at")?,
        ended_at: record.optional_time("ended_at")?,
        timing: Timing {
            queued_seconds: record.real("queued_seconds")?,
            preparing_seconds: record.real("preparing_seconds")?,
            training_seconds: record.real("training_seconds")?,
        },
    };
    Ok(JobState {
        job,
        fence: record.count("fence")?,
        asked: Asked {
            cancel: record.flag("cancelling")?,
            pause: record.flag("pausing")?,
            finish_after: record.optional_count("finish_after")?,
        },
        held: record.flag("held")?,
        checkpoint: record.optional_count("checkpoint")?,
        fruitless: record.count("fruitless")?,
        queued_at: record.time("queued_at")?,
    })
}
