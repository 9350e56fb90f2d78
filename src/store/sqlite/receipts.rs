//! First answers of requests with an `Idempotency-Key`.

use crate::{
    job,
    store::{Receipt, StoreError, sqlite::record::Record},
};
use jiff::SignedDuration;
use sqlx::SqliteConnection;

/// Lifetime of a receipt.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

pub async fn find(
    connection: &mut SqliteConnection,
    key: &str,
    route: &str,
    fingerprint: &str,
) -> Result<Option<Receipt>, StoreError> {
    let row = sqlx::query("SELECT * FROM receipts WHERE route = ? AND key = ? AND created_at > ?")
        .bind(route)
        .bind(key)
        .bind(oldest())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let record = Record(&row);
    let receipt = Receipt {
        key: record.text("key")?,
        route: record.text("route")?,
        fingerprint: record.text("fingerprint")?,
        status: record.count("status")?,
        location: record.text("location")?,
        body: record.text("body")?,
    };
    if receipt.fingerprint == fingerprint { Ok(Some(receipt)) } else { Err(StoreError::KeyReused(receipt.key)) }
}

/// Stores the answer of the current request; `Repeated` where an earlier request has one.
pub async fn keep(transaction: &mut SqliteConnection, receipt: Option<&Receipt>) -> Result<(), StoreError> {
    let Some(receipt) = receipt else { return Ok(()) };
    if let Some(first) = find(&mut *transaction, &receipt.key, &receipt.route, &receipt.fingerprint).await? {
        return Err(StoreError::Repeated(Box::new(first)));
    }
    sqlx::query("DELETE FROM receipts WHERE created_at <= ?").bind(oldest()).execute(&mut *transaction).await?;
    sqlx::query(
        "INSERT INTO receipts (route, key, fingerprint, status, location, body, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&receipt.route)
    .bind(&receipt.key)
    .bind(&receipt.fingerprint)
    .bind(i64::from(receipt.status))
    .bind(&receipt.location)
    .bind(&receipt.body)
    .bind(job::now().as_microsecond())
    .execute(transaction)
    .await?;
    Ok(())
}

fn oldest() -> i64 {
    (job::now() - LIFETIME).as_microsecond()
}
