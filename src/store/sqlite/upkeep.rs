//! What keeps the database small and sound: retention, checkpoints, deletions.

use crate::{
    job,
    store::{Retention, StoreError, sqlite::record::Record},
};
use jiff::SignedDuration;
use sqlx::SqliteConnection;
use uuid::Uuid;

/// Maximum jobs whose events are removed in one transaction.
const BATCH: i64 = 100;

/// Maximum entries of the audit log that are removed in one transaction.
const AUDIT_BATCH: i64 = 10_000;

/// Writes to the database, as readiness does.
pub async fn touch(transaction: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE service SET checked_at = ? WHERE id = 1")
        .bind(job::now().as_microsecond())
        .execute(transaction)
        .await?;
    Ok(())
}

/// The database's own name.
pub async fn identity(connection: &mut SqliteConnection) -> Result<String, StoreError> {
    let row = sqlx::query("SELECT identity FROM service WHERE id = 1").fetch_one(connection).await?;
    Record(&row).text("identity")
}

/// Removes a job that has ended, with its events.
pub async fn delete_job(transaction: &mut SqliteConnection, id: Uuid) -> Result<(), StoreError> {
    let job = super::jobs::load(&mut *transaction, id).await?.job;
    if !job.status.is_terminal() {
        let status = job.status.name();
        return Err(StoreError::Conflict(format!("the job {id} is {status}: cancel it first")));
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM versions WHERE job = ?")
        .bind(id.to_string())
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(version) = version {
        let model = job.model;
        return Err(StoreError::Conflict(format!(
            "the job {id} made version {version} of the model {model:?}: delete that first"
        )));
    }
    remove(transaction, &id.to_string()).await
}

/// Removes what is older than `retention` says, a batch at a time; returns how many jobs and entries it concerned.
pub async fn retain(transaction: &mut SqliteConnection, retention: Retention) -> Result<u64, StoreError> {
    let before = |days: u32| (job::now() - SignedDuration::from_hours(24 * i64::from(days))).as_microsecond();
    let mut concerned = 0;
    if let Some(days) = retention.job_days {
        let jobs: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM jobs WHERE ended_at < ?1 AND NOT EXISTS (SELECT 1 FROM versions WHERE job = jobs.id) LIMIT ?2",
        )
        .bind(before(days))
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await?;
        for job in &jobs {
            remove(&mut *transaction, job).await?;
        }
        concerned += jobs.len() as u64;
    }
    if let Some(days) = retention.event_days {
        let jobs: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM jobs WHERE ended_at < ?1
             AND EXISTS (SELECT 1 FROM events WHERE job = jobs.id AND kind <> 'status') LIMIT ?2",
        )
        .bind(before(days))
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await?;
        for job in &jobs {
            sqlx::query("DELETE FROM events WHERE job = ? AND kind <> 'status'")
                .bind(job)
                .execute(&mut *transaction)
                .await?;
        }
        concerned += jobs.len() as u64;
    }
    if let Some(days) = retention.audit_days {
        let removed = sqlx::query("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 LIMIT ?2)")
            .bind(before(days))
            .bind(AUDIT_BATCH)
            .execute(&mut *transaction)
            .await?;
        concerned += removed.rows_affected();
    }
    Ok(concerned)
}

async fn remove(transaction: &mut SqliteConnection, job: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM events WHERE job = ?").bind(job).execute(&mut *transaction).await?;
    sqlx::query("DELETE FROM jobs WHERE id = ?").bind(job).execute(transaction).await?;
    Ok(())
}
