//! Models and their versions.

use crate::{
    job::{Model, ModelVersion},
    store::{
        Listed, Page, Receipt, StoreError,
        artifacts::ArtifactKey,
        sqlite::{
            listed, receipts,
            record::{Record, count, json},
            rows_of_page, taken,
        },
    },
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::HashSet;
use uuid::Uuid;

pub async fn create(
    transaction: &mut SqliteConnection,
    model: &Model,
    receipt: Option<&Receipt>,
) -> Result<(), StoreError> {
    receipts::keep(transaction, receipt).await?;
    sqlx::query(
        "INSERT INTO models (id, name, definition, training_defaults, summary, warnings, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(model.id.to_string())
    .bind(&model.name)
    .bind(json(&model.definition)?)
    .bind(json(&model.training_defaults)?)
    .bind(model.summary.as_ref().map(json).transpose()?)
    .bind(json(&model.warnings)?)
    .bind(model.created_at.as_microsecond())
    .execute(transaction)
    .await
    .map_err(|error| taken(error, "model", &model.name))?;
    Ok(())
}

pub async fn find(connection: &mut SqliteConnection, key: &str) -> Result<Model, StoreError> {
    // A name may look like an id; the id then goes before the name.
    let row = sqlx::query(
        "SELECT *, (SELECT max(version) FROM versions WHERE model_id = id) AS latest_version FROM models
         WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1",
    )
    .bind(key)
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| StoreError::NotFound(format!("no model {key:?}")))?;
    model(&row)
}

pub async fn list(connection: &mut SqliteConnection, page: &Page) -> Result<Listed<Model>, StoreError> {
    let sizes: Vec<i64> = sqlx::query_scalar(
        "SELECT length(definition) + length(training_defaults) + coalesce(length(warnings), 0) FROM models
         WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2",
    )
    .bind(page.after.map(|id| id.to_string()))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *connection)
    .await?;
    let page = &Page { limit: rows_of_page(&sizes, page.limit), ..page.clone() };
    let rows = sqlx::query(
        "SELECT *, (SELECT max(version) FROM versions WHERE model_id = id) AS latest_version FROM models
         WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2",
    )
    .bind(page.after.map(|id| id.to_string()))
    .bind(i64::from(page.limit) + 1)
    .fetch_all(connection)
    .await?;
    listed(&rows, page, model, |model| model.id)
}

pub async fn delete(transaction: &mut SqliteConnection, key: &str) -> Result<Vec<ArtifactKey>, StoreError> {
    let model = find(&mut *transaction, key).await?;
    let id = model.id.to_string();
    let user: Option<String> = sqlx::query_scalar(
        "SELECT id FROM jobs WHERE status IN ('queued', 'running', 'paused') AND model_id = ? LIMIT 1",
    )
    .bind(&id)
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(job) = user {
        return Err(StoreError::Conflict(format!("the model {:?} is in use by the job {job}", model.name)));
    }
    let artifacts: Vec<String> = sqlx::query_scalar("SELECT artifact FROM versions WHERE model_id = ?")
        .bind(&id)
        .fetch_all(&mut *transaction)
        .await?;
    // Its versions go with it.
    sqlx::query("DELETE FROM models WHERE id = ?").bind(&id).execute(transaction).await?;
    Ok(artifacts.into_iter().map(ArtifactKey::from_stored).collect())
}

/// Removes a version and returns the key of its weights, to be removed afterwards.
pub async fn delete_version(
    transaction: &mut SqliteConnection,
    key: &str,
    number: u64,
) -> Result<ArtifactKey, StoreError> {
    let (version, artifact) = version(&mut *transaction, key, Some(number)).await?;
    sqlx::query("DELETE FROM versions WHERE artifact = ? AND version = ?")
        .bind(artifact.as_str())
        .bind(count(version.version)?)
        .execute(transaction)
        .await?;
    Ok(artifact)
}

/// Adds a version and returns its number.
pub async fn add_version(
    transaction: &mut SqliteConnection,
    model: Uuid,
    version: &ModelVersion,
    artifact: &ArtifactKey,
) -> Result<u64, StoreError> {
    let number: i64 =
        sqlx::query_scalar("UPDATE models SET last_version = last_version + 1 WHERE id = ? RETURNING last_version")
            .bind(model.to_string())
            .fetch_one(&mut *transaction)
            .await?;
    sqlx::query(
        "INSERT INTO versions
             (model_id, version, job, dataset, metrics, signature, summary, bytes, sha256, artifact, created_at,
              confusion_matrix, fitted, leaderboard)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(model.to_string())
    .bind(number)
    .bind(version.job.to_string())
    .bind(&version.dataset)
    .bind(json(&version.metrics)?)
    .bind(json(&version.signature)?)
    .bind(json(&version.summary)?)
    .bind(count(version.bytes)?)
    .bind(&version.sha256)
    .bind(artifact.as_str())
    .bind(version.created_at.as_microsecond())
    .bind(version.confusion_matrix.as_ref().map(json).transpose()?)
    .bind(version.fitted.as_ref().map(json).transpose()?)
    .bind(version.leaderboard.as_ref().map(json).transpose()?)
    .execute(transaction)
    .await?;
    Ok(number.unsigned_abs())
}

pub async fn version(
    connection: &mut SqliteConnection,
    key: &str,
    number: Option<u64>,
) -> Result<(ModelVersion, ArtifactKey), StoreError> {
    let model = find(&mut *connection, key).await?;
    let row = sqlx::query(
        "SELECT * FROM versions WHERE model_id = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version DESC LIMIT 1",
    )
    .bind(model.id.to_string())
    // No version has a number past the column's range.
    .bind(number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| match number {
        Some(number) => StoreError::NotFound(format!("no version {number} of the model {:?}", model.name)),
        None => {
            StoreError::NotFound(format!("no version of the model {:?} yet: no job of it has succeeded", model.name))
        }
    })?;
    Ok((model_version(&row, &model.name)?, ArtifactKey::from_stored(Record(&row).text("artifact")?)))
}

pub async fn versions(
    connection: &mut SqliteConnection,
    key: &str,
    limit: u32,
    after: Option<u64>,
) -> Result<(Vec<ModelVersion>, Option<u64>), StoreError> {
    let model = find(&mut *connection, key).await?;
    let sizes: Vec<i64> = sqlx::query_scalar(
        "SELECT length(metrics) + length(signature) + length(summary) + coalesce(length(confusion_matrix), 0)
         + coalesce(length(leaderboard), 0) FROM versions
         WHERE model_id = ?1 AND (?2 IS NULL OR version < ?2) ORDER BY version DESC LIMIT ?3",
    )
    .bind(model.id.to_string())
    .bind(after.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
    .bind(i64::from(limit))
    .fetch_all(&mut *connection)
    .await?;
    let limit = rows_of_page(&sizes, limit);
    let rows = sqlx::query(
        "SELECT * FROM versions WHERE model_id = ?1 AND (?2 IS NULL OR version < ?2) ORDER BY version DESC LIMIT ?3",
    )
    .bind(model.id.to_string())
    .bind(after.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
    .bind(i64::from(limit) + 1)
    .fetch_all(connection)
    .await?;
    let shown = rows.iter().take(limit as usize).map(|row| model_version(row, &model.name));
    let versions = shown.collect::<Result<Vec<_>, _>>()?;
    let next = versions.last().filter(|_| rows.len() > versions.len()).map(|last| last.version);
    Ok((versions, next))
}

/// Keys of every file that a row needs.
pub async fn artifacts(connection: &mut SqliteConnection) -> Result<HashSet<ArtifactKey>, StoreError> {
    let versions: Vec<String> = sqlx::query_scalar("SELECT artifact FROM versions").fetch_all(&mut *connection).await?;
    let rows = sqlx::query("SELECT id FROM datasets").fetch_all(connection).await?;
    let mut keys: HashSet<ArtifactKey> = versions.into_iter().map(ArtifactKey::from_stored).collect();
    for row in &rows {
        keys.insert(ArtifactKey::dataset(Record(row).id("id")?));
    }
    Ok(keys)
}

fn model(row: &SqliteRow) -> Result<Model, StoreError> {
    let record = Record(row);
    Ok(Model {
        id: record.id("id")?,
        name: record.text("name")?,
        definition: record.json("definition")?,
        training_defaults: record.json("training_defaults")?,
        latest_version: record.optional_count("latest_version")?,
        created_at: record.time("created_at")?,
        summary: record.optional_json("summary")?,
        warnings: record.optional_json("warnings")?.unwrap_or_default(),
    })
}

fn model_version(row: &SqliteRow, model: &str) -> Result<ModelVersion, StoreError> {
    let record = Record(row);
    Ok(ModelVersion {
        model: model.to_owned(),
        version: record.count("version")?,
        job: record.id("job")?,
        dataset: record.text("dataset")?,
        metrics: record.json("metrics")?,
        confusion_matrix: record.optional_json("confusion_matrix")?,
        signature: record.json("signature")?,
        summary: record.json("summary")?,
        fitted: record.optional_json("fitted")?,
        leaderboard: record.optional_json("leaderboard")?,
        bytes: record.count("bytes")?,
        sha256: record.text("sha256")?,
        created_at: record.time("created_at")?,
    })
}
