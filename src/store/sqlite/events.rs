//! A job's events.

use crate::{
    job::JobEvent,
    store::{
        EventPage, NewEvent, StoreError,
        sqlite::record::{Record, count, json},
    },
};
use serde_json::{Value, json as array};
use sqlx::SqliteConnection;
use uuid::Uuid;

/// Gives `events` the next ids of job `id`. The counter is in the job's row, so that no two events share an id.
pub async fn append(transaction: &mut SqliteConnection, id: Uuid, events: &[NewEvent]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let before: i64 =
        sqlx::query_scalar("UPDATE jobs SET last_event = last_event + ?2 WHERE id = ?1 RETURNING last_event - ?2")
            .bind(id.to_string())
            .bind(count(events.len() as u64)?)
            .fetch_one(&mut *transaction)
            .await?;
    // One statement for any number of events.
    let rows = events
        .iter()
        .map(|event| Ok(array!([event.kind.name(), event.at.as_microsecond(), json(&event.data)?])))
        .collect::<Result<Vec<Value>, StoreError>>()?;
    sqlx::query(
        "INSERT INTO events (job, id, kind, at, data)
         SELECT ?1, ?2 + key + 1, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?3)",
    )
    .bind(id.to_string())
    .bind(before)
    .bind(json(&rows)?)
    .execute(transaction)
    .await?;
    Ok(())
}

pub async fn after(
    connection: &mut SqliteConnection,
    id: Uuid,
    after: u64,
    limit: u32,
) -> Result<EventPage, StoreError> {
    // One statement sees one moment: a job that has ended has its last event in this page, or before.
    let rows = sqlx::query(
        "SELECT jobs.status, jobs.last_event, event.* FROM jobs
         LEFT JOIN (SELECT * FROM events WHERE job = ?1 AND id > ?2 ORDER BY id LIMIT ?3) AS event
         WHERE jobs.id = ?1 ORDER BY event.id",
    )
    .bind(id.to_string())
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let first = rows.first().ok_or_else(|| StoreError::NotFound(format!("no job {id}")))?;
    let (status, last) = (Record(first).word("status")?, Record(first).count("last_event")?);
    let mut events = Vec::with_capacity(rows.len());
    for record in rows.iter().map(Record) {
        let Some(id) = record.optional_count("id")? else { break };
        events.push(JobEvent { id, kind: record.word("kind")?, at: record.time("at")?, data: record.json("data")? });
    }
    Ok(EventPage { events, status, last })
}
