//! Records in SQL, artifacts in an object store: the only state of the service.
//!
//! Every method is one short transaction in a task of its own, so that a caller that is dropped cannot leave one open. A write
//! that was acknowledged is durable.

pub mod artifacts;
pub mod backup;
pub mod bundle;
pub mod changes;
pub mod follow;
pub mod keys;
pub mod open;
pub mod sqlite;
pub mod state;
pub mod watch;

use crate::{
    engine::field::FieldError,
    job::{Dataset, EventKind, Job, JobError, JobEvent, JobPatch, JobProgress, JobStatus, Model, ModelVersion, Timing},
};
use artifacts::ArtifactKey;
use async_trait::async_trait;
use changes::{Asked, Changes, JobChanges};
use jiff::Timestamp;
use keys::{ApiKey, AuditEntry};
use serde_json::{Map, Value};
use std::collections::HashSet;
use uuid::Uuid;

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such record. The text names kind and key: `no model "iris-mlp"`.
    #[error("{0}")]
    NotFound(String),
    /// A conflict with the current state: a taken name, an ended job, a dataset in use.
    #[error("{0}")]
    Conflict(String),
    /// An idempotency key was used before with another request.
    #[error("the Idempotency-Key {0:?} was used before with a different request")]
    KeyReused(String),
    /// An earlier request with the same `Idempotency-Key`; repeat its answer.
    #[error("an earlier request with the Idempotency-Key {:?} has this result", .0.key)]
    Repeated(Box<Receipt>),
    /// No space is left on the device.
    #[error("no space is left to store this")]
    Full,
    /// The file of the database or the folder of the artifacts is no longer where it was: what is written now would be lost.
    #[error("{0} was moved or deleted while the service runs: put it back, or start the service again")]
    Gone(&'static str),
    /// The file system is read-only, a permission is missing, or the disk fails. The cause is logged, never shown.
    #[error(
        "{0} cannot be read or written now: the file system is read-only, the service lacks a permission, or the disk fails"
    )]
    Inaccessible(&'static str, #[source] anyhow::Error),
    /// The writer no longer holds the job: another worker has it, or it has ended.
    #[error("this worker no longer holds the job")]
    Fenced,
    /// The disk or the database; logged, never shown.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl StoreError {
    /// Whether the same can succeed once the machine is put right.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full | Self::Gone(_) | Self::Inaccessible(..))
    }

    /// It and what caused it, for the log.
    pub fn with_cause(&self) -> String {
        match self {
            Self::Inaccessible(_, cause) => format!("{self}: {cause:#}"),
            error => format!("{error:#}"),
        }
    }
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100.
    pub limit: u32,
    /// Only entries after this id in the list.
    pub after: Option<Uuid>,
}

/// The rows of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The rows.
    pub data: Vec<T>,
    /// `after` of the next page; `None` on the last page.
    pub next: Option<Uuid>,
}

/// Events of a job, and the job as of the same moment.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// In order.
    pub events: Vec<JobEvent>,
    /// The job's status.
    pub status: JobStatus,
    /// The id of the job's newest event.
    pub last: u64,
}

/// The first answer to a POST with an `Idempotency-Key`, stored in the transaction that created the resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The client's `Idempotency-Key`.
    pub key: String,
    /// Method and path: keys are per route.
    pub route: String,
    /// SHA-256 of the request.
    pub fingerprint: String,
    /// Status of the first answer.
    pub status: u16,
    /// `Location` of the first answer.
    pub location: String,
    /// Body of the first answer.
    pub body: String,
}

/// Filter of a list of jobs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFilter {
    /// Only this status.
    pub status: Option<JobStatus>,
    /// Only this model, by name or id.
    pub model: Option<String>,
    /// Only this dataset, by name or id.
    pub dataset: Option<String>,
    /// Only jobs with this label: its name, and its value where that matters.
    pub label: Option<(String, Option<String>)>,
}

/// A claimed job. Every later write of its worker carries `fence`.
#[derive(Debug)]
pub struct Claim {
    /// The job, already `running`.
    pub job: Job,
    /// Increases with each claim of this job.
    pub fence: u64,
    /// Notifies of what users ask of it since the claim.
    pub changes: JobChanges,
    /// The epoch after which an earlier attempt has kept the state of the fit. Its progress is that of its last event.
    pub checkpoint: Option<u32>,
}

/// An event before it has an id.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Type of the event.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// Its data.
    pub data: Map<String, Value>,
}

/// A worker's report during training: events, and the job's state after them.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// In order.
    pub events: Vec<NewEvent>,
    /// After the last of them.
    pub progress: JobProgress,
    /// Logs of the last epoch.
    pub metrics: Map<String, Value>,
    /// The best epoch so far, and its logs.
    pub best: Option<(u32, Map<String, Value>)>,
    /// Durations; absent ones stay unchanged.
    pub timing: Timing,
    /// The epoch after which the state of the fit is kept since the report before, whose event is not after this report; 0 where what
    /// was kept is of no use.
    pub checkpoint: Option<u32>,
}

/// How a worker ends a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Commits a version, which the store numbers.
    Succeeded {
        /// The version without its number (0).
        version: Box<ModelVersion>,
        /// Key of its weights.
        artifact: ArtifactKey,
        /// Counts from 1.
        best_epoch: Option<u32>,
    },
    /// Fails the job.
    Failed(JobError),
    /// Cancels the job.
    Cancelled,
    /// Returns the job to the queue when the process shuts down; the attempt does not count, and what is kept of it is continued. A job that is paused stays so, and
    /// one that is being cancelled is cancelled instead.
    Released,
    /// As [`Self::Released`], of a job that begins anew since its checkpoint is of no use.
    Again,
}

/// Jobs that had a worker when the last process died, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Returned to the queue.
    pub queued: u64,
    /// Paused, as before the process died.
    pub paused: u64,
    /// Failed, since their attempts are exhausted.
    pub failed: u64,
    /// Cancelled, as requested before the process died.
    pub cancelled: u64,
}

/// How long ended jobs and the audit log are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days after which a job that ended loses its events, except those of its status. For ever where absent.
    pub event_days: Option<u32>,
    /// Days after which a job that ended is removed, unless a version of a model is its result. For ever where absent.
    pub job_days: Option<u32>,
    /// Days after which an entry of the audit log is removed. For ever where absent.
    pub audit_days: Option<u32>,
}

/// Records of datasets, models, versions, jobs and events.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Whether the database answers and can be written.
    async fn ping(&self) -> Result<(), StoreError>;
    /// The database's own name, which its artifacts bear.
    async fn identity(&self) -> Result<String, StoreError>;
    /// Removes what is older than `retention` says, gives back its space, and moves the log into the database. Returns how many jobs and
    /// entries of the audit log it concerned.
    async fn maintain(&self, retention: Retention) -> Result<u64, StoreError>;
    /// Closes the database, which then is one file. Nothing is read or written afterwards.
    async fn close(&self) -> Result<(), StoreError>;

    /// The receipt of an earlier request with this key on this route; `KeyReused` where its fingerprint differs.
    ///
    /// Read before the request is handled. Of two concurrent requests both find none, and the later one gets `Repeated` from the
    /// method that creates.
    async fn receipt(&self, key: &str, route: &str, fingerprint: &str) -> Result<Option<Receipt>, StoreError>;

    /// Adds a dataset; `Conflict` where the name is taken.
    async fn create_dataset(&self, dataset: &Dataset, receipt: Option<&Receipt>) -> Result<(), StoreError>;
    /// By id or name.
    async fn dataset(&self, key: &str) -> Result<Dataset, StoreError>;
    /// Newest first.
    async fn datasets(&self, page: &Page) -> Result<Listed<Dataset>, StoreError>;
    /// By id or name; `Conflict` while a job that has not ended needs it. Remove its artifact afterwards.
    async fn delete_dataset(&self, key: &str) -> Result<Dataset, StoreError>;

    /// Adds a model; `Conflict` where the name is taken.
    async fn create_model(&self, model: &Model, receipt: Option<&Receipt>) -> Result<(), StoreError>;
    /// By id or name.
    async fn model(&self, key: &str) -> Result<Model, StoreError>;
    /// Newest first.
    async fn models(&self, page: &Page) -> Result<Listed<Model>, StoreError>;
    /// By id or name, with its versions; `Conflict` while a job that has not ended needs it. Returns its artifacts, to
    /// be removed afterwards.
    async fn delete_model(&self, key: &str) -> Result<Vec<ArtifactKey>, StoreError>;
    /// A version and the key of its weights; the latest where `version` is `None`.
    async fn version(&self, model: &str, version: Option<u64>) -> Result<(ModelVersion, ArtifactKey), StoreError>;
    /// Removes a version. Returns its artifact, to be removed afterwards.
    async fn delete_version(&self, model: &str, version: u64) -> Result<ArtifactKey, StoreError>;
    /// Newest first; `after` is a version's number. Returns `after` of the next page, too.
    async fn versions(
        &self,
        model: &str,
        limit: u32,
        after: Option<u64>,
    ) -> Result<(Vec<ModelVersion>, Option<u64>), StoreError>;

    /// Adds a job in `queued` with its first event; `NotFound` where its model or a dataset (by id) is gone.
    async fn submit(&self, job: &Job, receipt: Option<&Receipt>) -> Result<(), StoreError>;
    /// By id.
    async fn job(&self, id: Uuid) -> Result<Job, StoreError>;
    /// Newest first.
    async fn jobs(&self, filter: &JobFilter, page: &Page) -> Result<Listed<Job>, StoreError>;
    /// Cancels a queued or paused job, and requests the worker of a running one to stop; `Conflict` where it has ended.
    ///
    /// A running job that is being cancelled can still fail, but not succeed.
    async fn cancel(&self, id: Uuid) -> Result<Job, StoreError>;
    /// Pauses a queued job, and requests the worker of a running one to; `Conflict` where it has ended, is being cancelled, or runs
    /// and there is a `refusal`.
    async fn pause(&self, id: Uuid, refusal: Option<String>) -> Result<Job, StoreError>;
    /// Returns a paused job to the queue; one that a worker has in memory goes on from there. `Conflict` where it is not paused.
    async fn resume(&self, id: Uuid) -> Result<Job, StoreError>;
    /// Requests the worker of a job to end it with the epoch that runs, and to make a version of it; a paused one is resumed for
    /// that. `Conflict` where no worker has it, and where there is a `refusal`.
    async fn finish_early(&self, id: Uuid, refusal: Option<String>) -> Result<Job, StoreError>;
    /// Changes labels and note; `Err` of the inner result where the job would have too many labels.
    async fn patch_job(&self, id: Uuid, patch: &JobPatch) -> Result<Result<Job, FieldError>, StoreError>;
    /// Removes a job that has ended, with its events; `Conflict` before, and while a version of a model is its result.
    async fn delete_job(&self, id: Uuid) -> Result<(), StoreError>;
    /// Events with id above `after`, in order, at most `limit`. `NotFound` where there is no such job.
    async fn events_after(&self, id: Uuid, after: u64, limit: u32) -> Result<EventPage, StoreError>;

    /// Sets the oldest queued job of the highest priority to `running` and counts the attempt; `None` where the queue is empty.
    async fn claim(&self) -> Result<Option<Claim>, StoreError>;
    /// Adds events and progress of a running job. Returns what users ask of it.
    async fn report(&self, id: Uuid, fence: u64, report: &Report) -> Result<Asked, StoreError>;
    /// Adds a report, and sets a running job to `paused` that its worker keeps in memory. False where it is not to be paused any more.
    async fn park(&self, id: Uuid, fence: u64, report: &Report) -> Result<bool, StoreError>;
    /// Sets a job that was resumed to `running` again, of the worker that has kept it. False where it is not to run.
    async fn unpark(&self, id: Uuid, fence: u64) -> Result<bool, StoreError>;
    /// A last report and the end, in one transaction. Returns the job's final record.
    async fn finish(&self, id: Uuid, fence: u64, report: &Report, outcome: &Outcome) -> Result<Job, StoreError>;
    /// At start-up, before any claim: returns jobs that are `running` to the queue, or ends them where `max_attempts` are
    /// exhausted or they are being cancelled. Those that are paused stay so.
    async fn recover(&self, max_attempts: u32) -> Result<Recovered, StoreError>;
    /// The jobs that have not ended and whose state is kept, and after which epoch.
    async fn checkpoints(&self) -> Result<HashSet<(Uuid, u32)>, StoreError>;
    /// The queued jobs without a worker, in the order in which they are claimed.
    async fn queue(&self) -> Result<Vec<Uuid>, StoreError>;
    /// Number of queued jobs, and of running jobs.
    async fn queue_depth(&self) -> Result<(u64, u64), StoreError>;
    /// Every artifact that a record refers to; others are leftovers of a process that died.
    async fn artifacts(&self) -> Result<HashSet<ArtifactKey>, StoreError>;

    /// Every API key, those that have ended too.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;
    /// Adds a key, and `entry` to the audit log; `Conflict` where a key that is not revoked has the name.
    async fn create_key(&self, key: &ApiKey, entry: &AuditEntry) -> Result<(), StoreError>;
    /// Revokes a key by name, prefix or id, and adds `entry` to the audit log.
    async fn revoke_key(&self, key: &str, entry: &AuditEntry) -> Result<(), StoreError>;
    /// Bytes of what a key created: datasets, and versions that its jobs trained.
    async fn stored_bytes(&self, key: Uuid) -> Result<u64, StoreError>;
    /// Makes a key the owner of the dataset, model or job at this path, unless it has one.
    async fn own(&self, location: &str, key: Uuid) -> Result<(), StoreError>;
    /// Adds to the audit log, and makes the entry's key the owner of what was created.
    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;
    /// The audit log, newest first.
    async fn audited(&self, page: &Page) -> Result<Listed<AuditEntry>, StoreError>;

    /// Notifications within this process, for workers ([`Changes::queue`]) and watchers of a job ([`Changes::job`], or
    /// [`follow::follow`] for all of its events).
    fn changes(&self) -> &Changes;
}
