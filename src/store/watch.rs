//! All jobs at once: those that have not ended, then each job whenever it changes.

use crate::{
    job::{Job, JobStatus},
    store::{JobFilter, Page, Store, StoreError, changes::Wake},
};
use futures::{Stream, stream};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use uuid::Uuid;

/// Jobs read at once.
const PAGE: u32 = 100;

/// What has not ended, in the order in which it is reported.
const OPEN: [JobStatus; 3] = [JobStatus::Running, JobStatus::Paused, JobStatus::Queued];

/// An item of [`watch`].
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// A job as it is now.
    Job(Box<Job>),
    /// Progress within an epoch of a job, which is not stored.
    Progress(Uuid, Map<String, Value>),
}

/// First the jobs of `only`, or those that have not ended where that is `None`; then every job, or those of `only`, after each of
/// its changes. Changes that follow each other quickly are one. A watcher that was too slow gets the jobs from the start.
/// Never ends, except after an error.
pub fn watch(
    store: Arc<dyn Store>,
    only: Option<BTreeSet<Uuid>>,
) -> impl Stream<Item = Result<Watched, StoreError>> + Send {
    stream::unfold(Watcher::new(store, only), |mut watcher| async move {
        if watcher.ended {
            return None;
        }
        let item = watcher.next().await;
        watcher.ended = item.is_err();
        Some((item, watcher))
    })
}

/// What [`watch`] reports first, at most `max` jobs.
pub async fn snapshot(store: Arc<dyn Store>, only: Option<BTreeSet<Uuid>>, max: usize) -> Result<Vec<Job>, StoreError> {
    let mut watcher = Watcher::new(store, only);
    while watcher.ready.len() < max
        && let Some(snapshot) = watcher.snapshot.take()
    {
        watcher.read(snapshot).await?;
    }
    let jobs = watcher.ready.into_iter().filter_map(|watched| match watched {
        Watched::Job(job) => Some(*job),
        Watched::Progress(..) => None,
    });
    Ok(jobs.take(max).collect())
}

struct Watcher {
    store: Arc<dyn Store>,
    changes: Receiver<(Uuid, Wake)>,
    only: Option<BTreeSet<Uuid>>,
    /// Jobs that had not ended when they were reported last.
    open: BTreeSet<Uuid>,
    snapshot: Option<Snapshot>,
    ready: VecDeque<Watched>,
    ended: bool,
}

/// What is left to read of the first report.
struct Snapshot {
    /// By id.
    ids: Vec<Uuid>,
    /// By status, the next one last.
    statuses: Vec<JobStatus>,
    after: Option<Uuid>,
}

impl Watcher {
    fn new(store: Arc<dyn Store>, only: Option<BTreeSet<Uuid>>) -> Self {
        // Subscribed before the first read, so that no change is missed.
        let changes = store.changes().every_job();
        let open = BTreeSet::new();
        let mut watcher = Self { store, changes, only, open, snapshot: None, ready: VecDeque::new(), ended: false };
        watcher.restart();
        watcher
    }

    fn restart(&mut self) {
        self.snapshot = Some(match &self.only {
            Some(only) => Snapshot { ids: only.iter().copied().collect(), statuses: Vec::new(), after: None },
            // A job that ended meanwhile is in no list of those that have not.
            None => Snapshot {
                ids: self.open.iter().copied().collect(),
                statuses: OPEN.iter().rev().copied().collect(),
                after: None,
            },
        });
    }

    async fn next(&mut self) -> Result<Watched, StoreError> {
        loop {
            if let Some(watched) = self.ready.pop_front() {
                return Ok(watched);
            }
            match self.snapshot.take() {
                Some(snapshot) => self.read(snapshot).await?,
                None => self.wait().await?,
            }
        }
    }

    /// Reads the next part of the snapshot.
    async fn read(&mut self, mut snapshot: Snapshot) -> Result<(), StoreError> {
        if let Some(id) = snapshot.ids.pop() {
            self.report(id).await?;
        } else if let Some(status) = snapshot.statuses.last().copied() {
            let filter = JobFilter { status: Some(status), ..JobFilter::default() };
            let page = self.store.jobs(&filter, &Page { limit: PAGE, after: snapshot.after }).await?;
            for job in page.data {
                self.add(job);
            }
            snapshot.after = page.next;
            if snapshot.after.is_none() {
                snapshot.statuses.pop();
            }
        } else {
            return Ok(());
        }
        self.snapshot = Some(snapshot);
        Ok(())
    }

    /// Waits for a change, and reads what changed.
    async fn wait(&mut self) -> Result<(), StoreError> {
        let (mut changed, mut progress) = (BTreeSet::new(), BTreeMap::new());
        let mut received = match self.changes.recv().await {
            Ok(change) => Ok(change),
            Err(RecvError::Lagged(_)) => Err(TryRecvError::Lagged(0)),
            Err(RecvError::Closed) => return Err(StoreError::Internal(anyhow::anyhow!("the store is closed"))),
        };
        loop {
            match received {
                Ok((id, _)) if self.only.as_ref().is_some_and(|only| !only.contains(&id)) => {}
                Ok((id, Wake::Rows)) => drop(changed.insert(id)),
                Ok((id, Wake::Progress(data))) => drop(progress.insert(id, data)),
                Err(TryRecvError::Lagged(_)) => {
                    self.restart();
                    return Ok(());
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
            received = self.changes.try_recv();
        }
        for id in &changed {
            self.report(*id).await?;
        }
        let progress = progress.into_iter().filter(|(id, _)| !changed.contains(id));
        self.ready.extend(progress.map(|(id, data)| Watched::Progress(id, data)));
        Ok(())
    }

    async fn report(&mut self, id: Uuid) -> Result<(), StoreError> {
        let job = self.store.job(id).await?;
        self.add(job);
        Ok(())
    }

    fn add(&mut self, job: Job) {
        if job.status.is_terminal() {
            self.open.remove(&job.id);
        } else {
            self.open.insert(job.id);
        }
        self.ready.push_back(Watched::Job(Box::new(job)));
    }
}
