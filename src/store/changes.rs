//! Notifications within this process. They only say that rows may have changed: losing one loses nothing.

use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

/// Notifications of a store's commits.
#[derive(Debug)]
pub struct Changes {
    queue: watch::Sender<()>,
    jobs: Mutex<HashMap<Uuid, Weak<Channel>>>,
    versions: AtomicU64,
    every: broadcast::Sender<(Uuid, Wake)>,
}

/// Notifications that a watcher of all jobs may be behind by; then it reads the rows again.
const MAX_BEHIND: usize = 1024;

/// What users ask of a job that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// To end without a result.
    pub cancel: bool,
    /// Not to run.
    pub pause: bool,
    /// To end with the first epoch from this one on, and to have a result.
    pub finish_after: Option<u32>,
}

#[derive(Debug)]
struct Channel {
    id: Uuid,
    every: broadcast::Sender<(Uuid, Wake)>,
    rows: watch::Sender<()>,
    progress: watch::Sender<Option<Map<String, Value>>>,
    asked: Mutex<Asked>,
}

/// A notification to a watcher of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Wake {
    /// Its rows changed.
    Rows,
    /// The data of a `progress` event, which is not stored.
    Progress(Map<String, Value>),
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            queue: watch::Sender::new(()),
            jobs: Mutex::default(),
            versions: AtomicU64::new(0),
            every: broadcast::Sender::new(MAX_BEHIND),
        }
    }
}

impl Changes {
    /// Notifies when a job is queued. Subscribe before reading the queue, to miss none.
    pub fn queue(&self) -> watch::Receiver<()> {
        self.queue.subscribe()
    }

    /// Watches one job. Subscribe before reading its rows, to miss no change.
    pub fn job(&self, id: Uuid) -> JobChanges {
        let mut jobs = self.lock();
        let channel = jobs.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
            jobs.retain(|_, channel| channel.strong_count() > 0);
            let channel = Arc::new(Channel {
                id,
                every: self.every.clone(),
                rows: watch::Sender::new(()),
                progress: watch::Sender::new(None),
                asked: Mutex::default(),
            });
            jobs.insert(id, Arc::downgrade(&channel));
            channel
        });
        JobChanges { rows: channel.rows.subscribe(), progress: channel.progress.subscribe(), channel }
    }

    /// Watches every job. Subscribe before reading their rows, to miss no change.
    pub fn every_job(&self) -> broadcast::Receiver<(Uuid, Wake)> {
        self.every.subscribe()
    }

    /// A counter of created versions and deleted models. Read it before the rows, which are then of this count or later.
    pub fn versions(&self) -> u64 {
        self.versions.load(Ordering::Acquire)
    }

    /// Announces that a version was created or a model deleted.
    pub fn versions_changed(&self) {
        self.versions.fetch_add(1, Ordering::Release);
    }

    /// Announces that a job was queued.
    pub fn queued(&self) {
        self.queue.send_replace(());
    }

    /// Announces that a job's rows changed.
    pub fn changed(&self, id: Uuid) {
        self.wake_watchers_of_every_job(id);
        if let Some(channel) = self.channel(id) {
            channel.rows.send_replace(());
        }
    }

    /// Announces what users ask of a job now.
    pub fn asked(&self, id: Uuid, asked: Asked) {
        self.wake_watchers_of_every_job(id);
        if let Some(channel) = self.channel(id) {
            channel.ask(asked);
            channel.rows.send_replace(());
        }
    }

    /// Fails where nobody watches.
    fn wake_watchers_of_every_job(&self, id: Uuid) {
        let _ = self.every.send((id, Wake::Rows));
    }

    fn channel(&self, id: Uuid) -> Option<Arc<Channel>> {
        self.lock().get(&id).and_then(Weak::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Weak<Channel>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    fn ask(&self, asked: Asked) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }
}

/// Notifications of one job.
#[derive(Debug)]
pub struct JobChanges {
    rows: watch::Receiver<()>,
    progress: watch::Receiver<Option<Map<String, Value>>>,
    channel: Arc<Channel>,
}

impl JobChanges {
    /// Waits for the next change; several since the last call are one.
    pub async fn next(&mut self) -> Wake {
        // The senders live in `self.channel`: neither side can be closed while this waits.
        tokio::select! {
            biased;
            _ = self.rows.changed() => Wake::Rows,
            _ = self.progress.changed() => match self.progress.borrow_and_update().clone() {
                Some(data) => Wake::Progress(data),
                None => Wake::Rows,
            },
        }
    }

    /// What users have asked of the job since this watches.
    pub fn asked(&self) -> Asked {
        *self.channel.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with what was asked before.
    pub fn begin(&self, asked: Asked) {
        self.channel.ask(asked);
    }

    /// Publishes the progress within an epoch to all watchers.
    pub fn publish_progress(&self, data: Map<String, Value>) {
        let _ = self.channel.every.send((self.channel.id, Wake::Progress(data.clone())));
        self.channel.progress.send_replace(Some(data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn only_watchers_of_the_job_wake_and_changes_collapse() {
        let changes = Changes::default();
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let (mut watching, mut elsewhere) = (changes.job(one), changes.job(other));
        changes.changed(one);
        changes.changed(one);
        assert_eq!(watching.next().now_or_never(), Some(Wake::Rows));
        assert_eq!(watching.next().now_or_never(), None);
        assert_eq!(elsewhere.next().now_or_never(), None);
    }

    #[test]
    fn progress_reaches_those_who_watch_and_not_those_who_come_later() {
        let changes = Changes::default();
        let id = Uuid::now_v7();
        let mut early = changes.job(id);
        let data = Map::from_iter([("step".to_owned(), Value::from(3))]);
        early.publish_progress(data.clone());
        let mut late = changes.job(id);
        assert_eq!(early.next().now_or_never(), Some(Wake::Progress(data)));
        assert_eq!(late.next().now_or_never(), None);
    }

    #[test]
    fn what_is_asked_is_seen_by_who_watched_before_it() {
        let changes = Changes::default();
        let id = Uuid::now_v7();
        let mut watching = changes.job(id);
        let before = Asked { finish_after: Some(3), ..Asked::default() };
        watching.begin(before);
        assert_eq!(watching.asked(), before);
        let asked = Asked { cancel: true, ..before };
        changes.asked(id, asked);
        assert_eq!(watching.asked(), asked);
        assert_eq!(watching.next().now_or_never(), Some(Wake::Rows));
    }

    #[test]
    fn who_watches_every_job_sees_rows_and_progress_of_each() {
        let changes = Changes::default();
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let mut every = changes.every_job();
        changes.changed(one);
        changes.job(other).publish_progress(Map::new());
        assert_eq!(every.try_recv().unwrap(), (one, Wake::Rows));
        assert_eq!(every.try_recv().unwrap(), (other, Wake::Progress(Map::new())));
        assert!(every.try_recv().is_err());
    }

    #[test]
    fn what_nobody_watches_is_forgotten() {
        let changes = Changes::default();
        for _ in 0..100 {
            drop(changes.job(Uuid::now_v7()));
        }
        assert!(changes.lock().len() <= 1);
    }

    #[test]
    fn the_queue_wakes_who_subscribed_before_the_job_came() {
        let changes = Changes::default();
        let mut queue = changes.queue();
        changes.queued();
        assert!(queue.changed().now_or_never().is_some());
        assert!(queue.changed().now_or_never().is_none());
    }
}
