//! The only truth: records in SQL, artifacts in an object store.
//!
//! Every method is one short transaction, run in a task of its own, so that a caller that goes away cannot leave one
//! open. What has been acknowledged is durable.

pub mod artifacts;
pub mod bundle;
pub mod changes;
pub mod follow;
pub mod open;
pub mod sqlite;
pub mod state;

use crate::job::{Dataset, EventKind, Job, JobError, JobEvent, JobProgress, JobStatus, Model, ModelVersion, Timing};
use artifacts::ArtifactKey;
use async_trait::async_trait;
use changes::{Changes, JobChanges};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashSet;
use uuid::Uuid;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such thing. The text names kind and key: `no model named "iris-mlp"`.
    #[error("{0}")]
    NotFound(String),
    /// It clashes with what is there: a taken name, an ended job, a dataset in use.
    #[error("{0}")]
    Conflict(String),
    /// An idempotency key was used before with another body.
    #[error("the Idempotency-Key {0:?} was used before with a different request")]
    KeyReused(String),
    /// An earlier request with the same `Idempotency-Key` did it already: this is its answer, to be given again.
    #[error("an earlier request with the Idempotency-Key {:?} did this already", .0.key)]
    Repeated(Box<Receipt>),
    /// No space is left on the device.
    #[error("no space is left to store this")]
    Full,
    /// The writer's lease is over: somebody else has the job, or it has ended.
    #[error("this worker no longer holds the job")]
    Fenced,
    /// The disk or the database; logged, never shown.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100.
    pub limit: u32,
    /// Only what stands after this id in the list.
    pub after: Option<Uuid>,
}

/// A page's rows and where the next one starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Pass as `after` for the next page.
    pub next: Option<Uuid>,
}

/// What makes a creating POST safe to repeat: the first answer, kept in the transaction that created.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The client's `Idempotency-Key`.
    pub key: String,
    /// Method and path: the same key elsewhere is another key.
    pub route: String,
    /// SHA-256 of everything that decides the request.
    pub fingerprint: String,
    /// Status of the first answer.
    pub status: u16,
    /// `Location` of the first answer.
    pub location: String,
    /// Body of the first answer.
    pub body: String,
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFilter {
    /// Only this status.
    pub status: Option<JobStatus>,
    /// Only this model, by name or id.
    pub model: Option<String>,
    /// Only this dataset, by name or id.
    pub dataset: Option<String>,
}

/// A claimed job. Every later write carries `fence`.
#[derive(Debug)]
pub struct Claim {
    /// The job, already `running`.
    pub job: Job,
    /// Rises with each claim of this job.
    pub fence: u64,
    /// Tells of a cancel from the moment of the claim on.
    pub changes: JobChanges,
}

/// An event before it has an id.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What it tells.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// Its data.
    pub data: Map<String, Value>,
}

/// What a worker reports while it trains: events, and where the job stands after them.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// In order.
    pub events: Vec<NewEvent>,
    /// After the last of them.
    pub progress: JobProgress,
    /// Logs of the last epoch.
    pub metrics: Map<String, Value>,
    /// What a worker knows of where the time went; what it leaves out stays as it was.
    pub timing: Timing,
}

/// How a worker ends a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Commits a version; its number is given by the store.
    Succeeded {
        /// The version without its number (0).
        version: Box<ModelVersion>,
        /// Where its weights lie.
        artifact: ArtifactKey,
        /// Counts from 1.
        best_epoch: Option<u32>,
    },
    /// Ends it with a reason.
    Failed(JobError),
    /// Ends it on request.
    Cancelled,
    /// Hands it back to the queue (the process is shutting down); the attempt does not count. A job that was asked to
    /// cancel ends instead.
    Released,
}

/// How many jobs went where when the store was recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Back to the queue.
    pub queued: u64,
    /// Ended, since their attempts were used up.
    pub failed: u64,
    /// Ended, since that was asked for before the process died.
    pub cancelled: u64,
}

/// Records. SQLite implements it here; PostgreSQL is to.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Fails where the database does not answer.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The receipt of an earlier request with this key on this route; `KeyReused` where its fingerprint differs.
    ///
    /// To be asked before the work of a request. Two requests at the same moment both find none here; the later one
    /// then gets `Repeated` from the method that creates.
    async fn receipt(&self, key: &str, route: &str, fingerprint: &str) -> Result<Option<Receipt>, StoreError>;

    /// Adds a dataset; `Conflict` where the name is taken.
    async fn create_dataset(&self, dataset: &Dataset, receipt: Option<&Receipt>) -> Result<(), StoreError>;
    /// By id or name.
    async fn dataset(&self, key: &str) -> Result<Dataset, StoreError>;
    /// Newest first.
    async fn datasets(&self, page: &Page) -> Result<Listed<Dataset>, StoreError>;
    /// By id or name; `Conflict` while a queued or running job needs it. Its artifact is to be removed after this.
    async fn delete_dataset(&self, key: &str) -> Result<Dataset, StoreError>;

    /// Adds a model; `Conflict` where the name is taken.
    async fn create_model(&self, model: &Model, receipt: Option<&Receipt>) -> Result<(), StoreError>;
    /// By id or name.
    async fn model(&self, key: &str) -> Result<Model, StoreError>;
    /// Newest first.
    async fn models(&self, page: &Page) -> Result<Listed<Model>, StoreError>;
    /// By id or name, with its versions; `Conflict` while a queued or running job needs it. Returns the artifacts, to be
    /// removed after this.
    async fn delete_model(&self, key: &str) -> Result<Vec<ArtifactKey>, StoreError>;
    /// A version and where its weights lie; the latest where `version` is `None`.
    async fn version(&self, model: &str, version: Option<u64>) -> Result<(ModelVersion, ArtifactKey), StoreError>;
    /// Newest first; `after` is a version's number. Returns where the next page starts, too.
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
    /// A queued job ends at once; of a running one it is remembered and its worker told; `Conflict` where it has ended.
    ///
    /// What this acknowledges is kept: a job that was asked to cancel can still fail, but not succeed.
    async fn cancel(&self, id: Uuid) -> Result<Job, StoreError>;
    /// Events with id above `after`, in order, at most `limit`, and the job's status as of the same moment.
    /// `NotFound` where there is no such job.
    async fn events_after(&self, id: Uuid, after: u64, limit: u32) -> Result<(Vec<JobEvent>, JobStatus), StoreError>;

    /// The oldest queued job becomes `running`, its attempt counted; `None` where nothing waits.
    async fn claim(&self) -> Result<Option<Claim>, StoreError>;
    /// Events and progress of a running job. Says whether its cancelling was asked for.
    async fn report(&self, id: Uuid, fence: u64, report: &Report) -> Result<bool, StoreError>;
    /// A last report and the end, in one transaction. Returns the job as it ended.
    async fn finish(&self, id: Uuid, fence: u64, report: &Report, outcome: &Outcome) -> Result<Job, StoreError>;
    /// At start-up, before any claim: jobs found `running` go back to the queue, or end where `most_attempts` are used up
    /// or a cancel was asked for.
    async fn recover(&self, most_attempts: u32) -> Result<Recovered, StoreError>;
    /// Jobs waiting and jobs running.
    async fn queue_depth(&self) -> Result<(u64, u64), StoreError>;
    /// Every artifact that a record needs; others are leftovers of a process that died.
    async fn artifacts(&self) -> Result<HashSet<ArtifactKey>, StoreError>;

    /// Wake-ups of this process: for worker slots ([`Changes::queue`]) and for whoever watches one job
    /// ([`Changes::job`], or [`follow::follow`] for all of its events).
    fn changes(&self) -> &Changes;
}
