//! The one writing connection.

use crate::store::StoreError;
use anyhow::Context;
use futures::future::BoxFuture;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions},
};
use std::os::unix::fs::MetadataExt;

/// Pages of the log from which on it is moved to the database: SQLite's default.
const AUTOMATIC_CHECKPOINT: u32 = 1000;

/// A connection that is in no transaction whenever one begins: SQLite ends some by itself, as where the disk is full, and a task may end in
/// the middle of one.
#[derive(Debug)]
pub struct Writer {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    /// Device and number of the file.
    file: Option<(u64, u64)>,
}

impl Writer {
    /// Opens it. Of a new database: space of deleted records goes back to the system.
    pub async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        // Only once: SQLite writes to the database where this is set.
        let connection = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental).connect().await?;
        let file = number_of(&options);
        Ok(Self { connection: Some(connection), options, file })
    }

    /// Whether commits move the log to the database, which then grows, or leave it.
    pub async fn checkpoints(&mut self, automatic: bool) -> Result<(), StoreError> {
        let pages = if automatic { AUTOMATIC_CHECKPOINT } else { 0 };
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA wal_autocheckpoint = {pages}")))
            .execute(self.connection().await?)
            .await?;
        Ok(())
    }

    /// The connection, outside of a transaction; fails where the file is no longer where it was.
    pub async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.file.is_some() && number_of(&self.options) != self.file {
            return Err(StoreError::Gone("the file of the database"));
        }
        if self.connection.is_none() {
            tracing::info!("opens the database again after a failed transaction");
            self.connection = Some(self.options.connect().await?);
        }
        self.connection.as_mut().context("no connection").map_err(StoreError::Internal)
    }

    /// Runs `work` in a transaction.
    pub async fn transaction<T>(
        &mut self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.connection().await?;
        // Kept apart until it is clean again: where this future is dropped, the connection is closed.
        let mut connection = self.connection.take().context("no connection").map_err(StoreError::Internal)?;
        let done = run(&mut connection, work).await;
        // After a failure nothing may be open, and after a success nothing is.
        if done.is_ok() || sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.is_ok() {
            self.connection = Some(connection);
        } else {
            // It waits until the file is closed: a lock of it would stop the next connection.
            let _ = connection.close().await;
        }
        done
    }

    /// Closes it; SQLite then moves everything from the log to the database.
    pub async fn close(&mut self) -> Result<(), StoreError> {
        match self.connection.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }
}

/// Device and number of the database's file.
fn number_of(options: &SqliteConnectOptions) -> Option<(u64, u64)> {
    let file = std::fs::metadata(options.get_filename()).ok()?;
    Some((file.dev(), file.ino()))
}

async fn run<T>(
    connection: &mut SqliteConnection,
    work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let result = work(&mut *connection).await?;
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(result)
}
