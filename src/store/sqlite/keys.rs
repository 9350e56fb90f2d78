//! API keys, the audit log, and who created what.

use crate::store::{
    Listed, Page, StoreError,
    keys::{ApiKey, AuditEntry},
    sqlite::{
        listed,
        record::{Record, count, json},
        taken,
    },
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

pub async fn all(connection: &mut SqliteConnection) -> Result<Vec<ApiKey>, StoreError> {
    let rows = sqlx::query("SELECT * FROM keys ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(key).collect()
}

/// Adds a key, and `entry` to the audit log.
pub async fn create(transaction: &mut SqliteConnection, key: &ApiKey, entry: &AuditEntry) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO keys (id, name, prefix, hash, scopes, requests_per_second, max_bytes, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key.id.to_string())
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(&key.hash)
    .bind(json(&key.scopes)?)
    .bind(key.requests_per_second)
    .bind(key.max_bytes.map(count).transpose()?)
    .bind(key.created_at.as_microsecond())
    .bind(key.expires_at.map(|at| at.as_microsecond()))
    .execute(&mut *transaction)
    .await
    .map_err(|error| taken(error, "key", &key.name))?;
    audit(transaction, entry).await
}

/// Revokes the key that has this name, prefix or id, at the time of `entry`, which is added to the audit log.
pub async fn revoke(transaction: &mut SqliteConnection, which: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    let done = sqlx::query(
        "UPDATE keys SET revoked_at = ?2 WHERE revoked_at IS NULL AND (name = ?1 OR prefix = ?1 OR id = ?1)",
    )
    .bind(which)
    .bind(entry.at.as_microsecond())
    .execute(&mut *transaction)
    .await?;
    match done.rows_affected() {
        0 => Err(StoreError::NotFound(format!("no key {which:?} that is not revoked: see `epoca keys list`"))),
        _ => audit(transaction, entry).await,
    }
}

/// Adds an entry, and makes its key the owner of what was created.
pub async fn audit(transaction: &mut SqliteConnection, entry: &AuditEntry) -> Result<(), StoreError> {
    if let (Some(key), Some(location)) = (entry.key, &entry.location) {
        own(&mut *transaction, location, key).await?;
    }
    sqlx::query(
        "INSERT INTO audit (id, at, key, key_name, address, method, path, status, location, request_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.id.to_string())
    .bind(entry.at.as_microsecond())
    .bind(entry.key.map(|id| id.to_string()))
    .bind(&entry.key_name)
    .bind(&entry.address)
    .bind(&entry.method)
    .bind(&entry.path)
    .bind(i64::from(entry.status))
    .bind(&entry.location)
    .bind(&entry.request_id)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Makes `key` the owner of the resource at `location`, unless it has one.
pub async fn own(transaction: &mut SqliteConnection, location: &str, key: Uuid) -> Result<(), StoreError> {
    let mut segments = location.trim_start_matches("/v1/").split('/');
    let statement = match segments.next() {
        Some("datasets") => "UPDATE datasets SET owner = ? WHERE id = ? AND owner IS NULL",
        Some("models") => "UPDATE models SET owner = ? WHERE id = ? AND owner IS NULL",
        Some("jobs") => "UPDATE jobs SET owner = ? WHERE id = ? AND owner IS NULL",
        _ => return Ok(()),
    };
    sqlx::query(statement).bind(key.to_string()).bind(segments.next()).execute(transaction).await?;
    Ok(())
}

pub async fn audited(connection: &mut SqliteConnection, page: &Page) -> Result<Listed<AuditEntry>, StoreError> {
    let rows = sqlx::query("SELECT * FROM audit WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2")
        .bind(page.after.map(|id| id.to_string()))
        .bind(i64::from(page.limit) + 1)
        .fetch_all(connection)
        .await?;
    listed(&rows, page, entry, |entry| entry.id)
}

/// Bytes of the datasets that a key uploaded, and of the versions that its jobs trained.
pub async fn stored_bytes(connection: &mut SqliteConnection, key: Uuid) -> Result<u64, StoreError> {
    let bytes: i64 = sqlx::query_scalar(
        "SELECT (SELECT COALESCE(SUM(bytes), 0) FROM datasets WHERE owner = ?1)
              + (SELECT COALESCE(SUM(versions.bytes), 0) FROM versions JOIN jobs ON jobs.id = versions.job WHERE jobs.owner = ?1)",
    )
    .bind(key.to_string())
    .fetch_one(connection)
    .await?;
    Ok(bytes.unsigned_abs())
}

fn key(row: &SqliteRow) -> Result<ApiKey, StoreError> {
    let record = Record(row);
    Ok(ApiKey {
        id: record.id("id")?,
        name: record.text("name")?,
        prefix: record.text("prefix")?,
        hash: record.text("hash")?,
        scopes: record.json("scopes")?,
        requests_per_second: record.real("requests_per_second")?,
        max_bytes: record.optional_count("max_bytes")?,
        created_at: record.time("created_at")?,
        expires_at: record.optional_time("expires_at")?,
        revoked_at: record.optional_time("revoked_at")?,
    })
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    let record = Record(row);
    Ok(AuditEntry {
        id: record.id("id")?,
        at: record.time("at")?,
        key: record.optional_id("key")?,
        key_name: record.optional_text("key_name")?,
        address: record.optional_text("address")?,
        method: record.text("method")?,
        path: record.text("path")?,
        status: record.count("status")?,
        location: record.optional_text("location")?,
        request_id: record.text("request_id")?,
    })
}
