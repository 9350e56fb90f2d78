//! Records in SQLite: one writer, a few readers.
//!
//! Every write is a task of its own that holds the one writing connection from `BEGIN IMMEDIATE` to `COMMIT`: a caller that is
//! dropped leaves no transaction open, and no write waits for SQLite's lock. WAL with `synchronous = FULL` makes each
//! commit durable before it is acknowledged.

mod ballast;
mod datasets;
mod events;
mod jobs;
mod keys;
mod models;
mod receipts;
mod record;
mod transactions;
mod upkeep;
mod writer;

use crate::{
    job::{Job, JobStatus},
    store::{Asked, Changes, Listed, NewEvent, Page, StoreError, artifacts::of_io, state::JobState},
};
use anyhow::{Context, anyhow};
use ballast::Ballast;
use futures::future::BoxFuture;
use sqlx::{
    Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Mutex;
use uuid::Uuid;
use writer::Writer;

/// Number of reading connections.
const READERS: u32 = 4;

/// The first version whose WAL cannot lose a commit when a checkpoint races with a restart of the log.
const MIN_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// What a write does to the space that is kept for deleting on a full disk.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// It needs it to be there, or takes it: what makes no room must not use it up.
    Taken,
    AsItIs,
    Released,
}

/// Records in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Arc<Mutex<Writer>>,
    readers: SqlitePool,
    changes: Arc<Changes>,
    ballast: Arc<Ballast>,
    /// Held while open: each of two processes on one file would recover the other's running jobs.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the file at `path`, or makes it, and brings its tables up to date.
    ///
    /// Fails where another process has it open.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        let path = &resolved(path);
        let lock = lock(&path.with_extension("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => anyhow!("another process uses {}", path.display()),
            TryLockError::Error(error) => anyhow!("cannot lock {}: {error}", path.display()),
        })?;
        Self::open_locked(path, Some(lock)).await
    }

    /// As [`SqliteStore::open`], but beside a service that has it open: for commands that read and write a few rows.
    pub async fn open_beside(path: &Path) -> anyhow::Result<Self> {
        let path = &resolved(path);
        let lock = lock(&path.with_extension("lock"))?;
        let lock = lock.try_lock().is_ok().then_some(lock);
        Self::open_locked(path, lock).await
    }

    async fn open_locked(path: &Path, lock: Option<File>) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let opened = Writer::open(options.clone()).await;
        let mut writer = opened.with_context(|| format!("cannot open the database {}", path.display()))?;
        let connection = writer.connection().await?;
        check_version(&mut *connection).await?;
        migrate(&mut *connection, lock.is_some()).await?;
        let ballast = Arc::new(Ballast::new(path));
        if lock.is_some() {
            shrinkable(connection).await;
            // Where this fails, so does the first write that needs it.
            let _ = ballast.take();
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(options.read_only(true))
            .await
            .context("cannot open the database for reading")?;
        Ok(Self { writer: Arc::new(Mutex::new(writer)), readers, changes: Arc::default(), ballast, _lock: lock })
    }

    /// Writes the database anew, without the space of deleted records.
    pub async fn vacuum(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        sqlx::raw_sql("VACUUM").execute(writer.connection().await?).await?;
        Ok(())
    }

    /// Runs `work` in a transaction, and `announce` once that is committed, both in a task of their own.
    ///
    /// [`StoreError::Full`] where the space that is kept for deleting would be used up. What needs that space fails where it cannot be
    /// kept.
    async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
        announce: impl FnOnce(&Changes, &T) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_with(Kept::Taken, work, announce).await
    }

    async fn write_with<T: Send + 'static>(
        &self,
        kept: Kept,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
        announce: impl FnOnce(&Changes, &T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (writer, changes) = (Arc::clone(&self.writer), Arc::clone(&self.changes));
        let ballast = Arc::clone(&self.ballast);
        let task = tokio::spawn(async move {
            let mut writer = writer.lock().await;
            let result = match kept {
                Kept::Taken => {
                    if let Err(error) = ballast.take() {
                        // That the database is gone is the better reason.
                        writer.connection().await?;
                        return Err(of_io("the folder of the database", error));
                    }
                    writer.transaction(work).await?
                }
                Kept::AsItIs => writer.transaction(work).await?,
                Kept::Released => {
                    // The space is for the log alone; an earlier deletion may have released it.
                    writer.checkpoints(false).await?;
                    let _ = ballast.release();
                    let result = writer.transaction(work).await;
                    writer.checkpoints(true).await?;
                    result?
                }
            };
            announce(&changes, &result);
            Ok(result)
        });
        task.await.context("a write to the database was cut short")?
    }

    /// Runs `write`, which makes room; on a full disk again, with the space that is kept for this.
    async fn with_ballast<T, W>(&self, write: impl Fn(Kept) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        match write(Kept::AsItIs).await {
            Err(StoreError::Full) => write(Kept::Released).await,
            done => done,
        }
    }

    /// Changes a job as its user asks, and tells its worker.
    async fn ask(
        &self,
        kept: Kept,
        id: Uuid,
        request: impl FnOnce(&mut JobState) -> Result<Vec<NewEvent>, StoreError> + Send + 'static,
    ) -> Result<Job, StoreError> {
        let announce = move |changes: &Changes, (job, asked): &(Job, Asked)| {
            changes.asked(id, *asked);
            if job.status == JobStatus::Queued {
                changes.queued();
            }
        };
        Ok(self.write_with(kept, move |tx| Box::pin(jobs::ask(tx, id, request)), announce).await?.0)
    }

    async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }
}

/// The path without symbolic links, so that two names of one file have one lock.
fn resolved(path: &Path) -> PathBuf {
    let of_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(of_folder).unwrap_or_else(|| path.to_owned())
}

/// No announcement of a [`SqliteStore::write`].
fn quietly<T>(_: &Changes, _: &T) {}

fn lock(path: &Path) -> anyhow::Result<File> {
    let options = File::options().create(true).truncate(false).write(true).open(path);
    options.with_context(|| format!("cannot create {}", path.display()))
}

/// Brings the tables up to date, unless another process has them open and they are as this version knows them.
async fn migrate(writer: &mut SqliteConnection, is_alone: bool) -> anyhow::Result<()> {
    let migrations = sqlx::migrate!("migrations/sqlite");
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
    let has_table: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_optional(&mut *writer)
        .await?;
    let found: i64 = match has_table {
        Some(_) => {
            let newest = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations");
            newest.fetch_one(&mut *writer).await?
        }
        None => 0,
    };
    anyhow::ensure!(
        found <= known,
        "the database was written by a newer epoca: expected at most revision {known} of its tables, received {found}; \
         use that version, or restore a backup"
    );
    anyhow::ensure!(
        is_alone || found == known,
        "the service that runs is an older epoca: expected revision {known} of its tables, received {found}; restart it with \
         this version"
    );
    if is_alone {
        migrations.run(writer).await.context("cannot bring the database up to date")?;
    }
    Ok(())
}

/// Lets the database give space back; one that was made before that was so is written anew.
async fn shrinkable(connection: &mut SqliteConnection) {
    const INCREMENTAL: i64 = 2;
    let mode = sqlx::query_scalar::<_, i64>("PRAGMA auto_vacuum").fetch_one(&mut *connection).await;
    if mode.is_ok_and(|mode| mode != INCREMENTAL)
        && let Err(error) = sqlx::raw_sql("PRAGMA auto_vacuum = INCREMENTAL; VACUUM").execute(connection).await
    {
        tracing::warn!(%error, "the database keeps the space of deleted records until `epoca gc --yes`");
    }
}

async fn check_version(connection: &mut SqliteConnection) -> anyhow::Result<()> {
    let text: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let version = (part(), part(), part());
    anyhow::ensure!(version >= MIN_SQLITE, "expected SQLite {MIN_SQLITE:?} or newer, received {text}");
    Ok(())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        /// The second is that of the log's index.
        const SQLITE_FULL: [i32; 2] = [13, 4874];
        /// A missing permission, a read-only file, a failure of the disk, a file that cannot be opened: the low byte of a code.
        const SQLITE_INACCESSIBLE: [i32; 4] = [3, 8, 10, 14];
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
        let error = anyhow::Error::new(error).context("the database failed");
        match code {
            Some(code) if SQLITE_FULL.contains(&code) => Self::Full,
            Some(code) if SQLITE_INACCESSIBLE.contains(&(code & 0xff)) => Self::Inaccessible("the database", error),
            _ => Self::Internal(error),
        }
    }
}

/// `Conflict` where the error is a unique violation.
fn taken(error: sqlx::Error, kind: &str, name: &str) -> StoreError {
    match error.as_database_error() {
        Some(clash) if clash.is_unique_violation() => {
            StoreError::Conflict(format!("a {kind} named {name:?} exists already"))
        }
        _ => error.into(),
    }
}

/// Bytes of text after which a page of a list has no further row.
const PAGE_BYTES: i64 = 8 << 20;

/// How many rows of these sizes are a page: at least one.
fn rows_of_page(sizes: &[i64], limit: u32) -> u32 {
    let mut bytes = 0_i64;
    let fitting = sizes.iter().take_while(|size| {
        let before = bytes;
        bytes = bytes.saturating_add(**size);
        before < PAGE_BYTES
    });
    limit.min(u32::try_from(fitting.count()).unwrap_or(limit).max(1))
}

/// A page of `rows`, which are one more than the page where another page follows.
fn listed<T>(
    rows: &[SqliteRow],
    page: &Page,
    read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    id: impl Fn(&T) -> Uuid,
) -> Result<Listed<T>, StoreError> {
    let data = rows.iter().take(page.limit as usize).map(read).collect::<Result<Vec<T>, StoreError>>()?;
    let next = data.last().filter(|_| rows.len() > data.len()).map(id);
    Ok(Listed { data, next })
}
