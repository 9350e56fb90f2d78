//! Datasets.

use crate::{
    job::Dataset,
    store::{
        Listed, Page, Receipt, StoreError,
        sqlite::{
            listed, receipts,
            record::{Record, count, json, word},
            rows_of_page, taken,
        },
    },
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

pub async fn create(
    transaction: &mut SqliteConnection,
    dataset: &Dataset,
    receipt: Option<&Receipt>,
) -> Result<(), StoreError> {
    receipts::keep(transaction, receipt).await?;
    sqlx::query(
        "INSERT INTO datasets (id, name, format, row_count, bytes, sha256, created_at, columns, read, warnings)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(dataset.id.to_string())
    .bind(&dataset.name)
    .bind(word(&dataset.format)?)
    .bind(count(dataset.rows)?)
    .bind(count(dataset.bytes)?)
    .bind(&dataset.sha256)
    .bind(dataset.created_at.as_microsecond())
    .bind(json(&dataset.columns)?)
    .bind(json(&dataset.read)?)
    .bind(json(&dataset.warnings)?)
    .execute(transaction)
    .await
    .map_err(|error| taken(error, "dataset", &dataset.name))?;
    Ok(())
}

pub async fn find(connection: &mut SqliteConnection, key: &str) -> Result<Dataset, StoreError> {
    // A name may look like an id; the id then goes before the name.
    let row = sqlx::query("SELECT * FROM datasets WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1")
        .bind(key)
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| StoreError::NotFound(format!("no dataset {key:?}")))?;
    dataset(&row)
}

pub async fn list(connection: &mut SqliteConnection, page: &Page) -> Result<Listed<Dataset>, StoreError> {
    let sizes: Vec<i64> = sqlx::query_scalar(
        "SELECT length(columns) + length(read) + length(warnings) FROM datasets
         WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2",
    )
    .bind(page.after.map(|id| id.to_string()))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *connection)
    .await?;
    let page = &Page { limit: rows_of_page(&sizes, page.limit), ..page.clone() };
    let rows = sqlx::query("SELECT * FROM datasets WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2")
        .bind(page.after.map(|id| id.to_string()))
        .bind(i64::from(page.limit) + 1)
        .fetch_all(connection)
        .await?;
    listed(&rows, page, dataset, |dataset| dataset.id)
}

pub async fn delete(transaction: &mut SqliteConnection, key: &str) -> Result<Dataset, StoreError> {
    let dataset = find(&mut *transaction, key).await?;
    let id = dataset.id.to_string();
    let user: Option<String> = sqlx::query_scalar(
        "SELECT id FROM jobs
         WHERE status IN ('queued', 'running', 'paused') AND (dataset_id = ?1 OR validation_dataset_id = ?1) LIMIT 1",
    )
    .bind(&id)
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(job) = user {
        return Err(StoreError::Conflict(format!("the dataset {:?} is in use by the job {job}", dataset.name)));
    }
    sqlx::query("DELETE FROM datasets WHERE id = ?").bind(&id).execute(transaction).await?;
    Ok(dataset)
}

fn dataset(row: &SqliteRow) -> Result<Dataset, StoreError> {
    let record = Record(row);
    Ok(Dataset {
        id: record.id("id")?,
        name: record.text("name")?,
        format: record.word("format")?,
        rows: record.count("row_count")?,
        bytes: record.count("bytes")?,
        sha256: record.text("sha256")?,
        created_at: record.time("created_at")?,
        read: record.json("read")?,
        columns: record.json("columns")?,
        warnings: record.json("warnings")?,
    })
}
