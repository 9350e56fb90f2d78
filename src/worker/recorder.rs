//! [`Recorder`]: the records of a job that runs: its reports, its pauses, its end.

mod events;
mod metrics;
mod storing;

pub use metrics::describe_metrics;

use crate::{
    job::{Job, ModelVersion, Timing, now},
    store::{
        Claim, NewEvent, Outcome, Report, StoreError,
        artifacts::{ArtifactKey, Stored},
        changes::Asked,
        state::message,
    },
    worker::{
        Context,
        ended::{Ended, Fit, Trained},
        link::Link,
        patience::unstored,
    },
};
use events::FitEvents;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Interval between two batches of events.
pub const BATCH: Duration = Duration::from_millis(100);

/// Maximum number of epochs in a batch, to bound its memory.
const BATCH_EPOCHS: usize = 4096;

/// Interval between two `progress` events.
const PROGRESS: Duration = Duration::from_millis(250);

/// Maximum interval between two reports of a job.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// Interval between two attempts to record a change of a job.
pub const RETRY: Duration = Duration::from_secs(1);

/// Attempts to record it once the service stops; then the job runs again at the next start.
const LAST_ATTEMPTS: u32 = 3;

/// What became of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// The job is paused.
    Paused,
    /// The job runs.
    GoesOn,
    /// The job has ended, or another worker has it.
    Lost,
    /// The database failed.
    NotWritten,
}

/// The records of a job that a worker has.
pub struct Recorder<'a> {
    context: &'a Context,
    claim: Claim,
    link: Arc<Link>,
    fit_events: FitEvents,
    /// Not written yet.
    events: Vec<NewEvent>,
    /// The epoch of a checkpoint that is not recorded yet.
    kept: Option<u32>,
    /// Whether there may be files of checkpoints.
    has_checkpoints: bool,
    /// Whether it is not known yet if this attempt continues the one before it.
    may_continue: bool,
    last_report: Instant,
    last_progress: Instant,
}

impl<'a> Recorder<'a> {
    /// Of a job that was just claimed.
    pub fn new(context: &'a Context, claim: Claim, link: Arc<Link>) -> Self {
        let job = &claim.job;
        let fit_events = match claim.checkpoint {
            Some(after) => FitEvents::continued(job, after),
            None => FitEvents::new(job.training.epochs(), job.progress.unit),
        };
        let now = Instant::now();
        let may_continue = claim.checkpoint.is_some();
        Self {
            context,
            claim,
            link,
            fit_events,
            events: Vec::new(),
            kept: None,
            has_checkpoints: may_continue,
            may_continue,
            last_report: now,
            last_progress: now,
        }
    }

    /// The epoch after which the job can be continued.
    pub fn checkpoint(&self) -> Option<u32> {
        self.claim.checkpoint
    }

    /// The job as it was claimed.
    pub fn job(&self) -> &Job {
        &self.claim.job
    }

    /// What users ask of it now.
    pub fn asked(&self) -> Asked {
        self.claim.changes.asked()
    }

    /// Waits until they may ask something else.
    pub async fn changed(&mut self) {
        self.claim.changes.next().await;
    }

    /// Adds an event to the next batch.
    pub fn add(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// Records a batch; what cannot be written is kept for the next. Returns the number of epochs that still wait.
    pub async fn write(&mut self) -> usize {
        let mut left = self.gather(BATCH_EPOCHS);
        self.publish_progress();
        if self.events.is_empty() && self.last_report.elapsed() < HEARTBEAT {
            return left;
        }
        self.last_report = Instant::now();
        let report = self.report();
        match self.context.store.report(self.claim.job.id, self.claim.fence, &report).await {
            Ok(asked) => {
                self.discard_before(report.checkpoint);
                if asked.cancel {
                    self.link.stop();
                }
            }
            Err(StoreError::Fenced) => self.link.stop(),
            Err(error) => {
                tracing::warn!(job = %self.claim.job.id, error = error.with_cause(), "cannot write events; tries again with the next batch");
                self.put_back(report);
                left = 0;
            }
        }
        left
    }

    /// Records that the fit rests, after everything that it has reported.
    pub async fn park(&mut self) -> Parked {
        self.gather(usize::MAX);
        self.last_report = Instant::now();
        let report = self.report();
        let parked = self.context.store.park(self.claim.job.id, self.claim.fence, &report).await;
        match &parked {
            Ok(_) => self.discard_before(report.checkpoint),
            Err(_) => self.put_back(report),
        }
        self.parked(parked, Parked::Paused, Parked::GoesOn)
    }

    /// Records that the fit goes on.
    pub async fn unpark(&mut self) -> Parked {
        let unparked = self.context.store.unpark(self.claim.job.id, self.claim.fence).await;
        self.parked(unparked, Parked::GoesOn, Parked::Paused)
    }

    fn parked(&self, done: Result<bool, StoreError>, yes: Parked, no: Parked) -> Parked {
        match done {
            Ok(true) => yes,
            Ok(false) => no,
            Err(StoreError::Fenced | StoreError::NotFound(_)) => Parked::Lost,
            Err(error) => {
                tracing::warn!(job = %self.claim.job.id, error = error.with_cause(), "cannot record a pause; tries again");
                Parked::NotWritten
            }
        }
    }

    /// What a report that was not written had is for the next one.
    fn put_back(&mut self, report: Report) {
        self.events = report.events;
        self.kept = self.kept.or(report.checkpoint);
    }

    /// Removes older checkpoints than the one that was recorded.
    fn discard_before(&self, recorded: Option<u32>) {
        let Some(epoch) = recorded.filter(|epoch| *epoch > 0) else { return };
        let (artifacts, job) = (self.context.artifacts.clone(), self.claim.job.id);
        tokio::task::spawn_blocking(move || artifacts.remove_checkpoints(job, Some(epoch)));
    }

    /// Tells whether this attempt continues the one before it, once that is known.
    fn tell_continuation(&mut self) {
        let Some(after) = self.link.continued().filter(|_| self.may_continue) else { return };
        self.may_continue = false;
        let (level, text) = match after {
            0 => {
                let job = &self.claim.job;
                self.fit_events = FitEvents::new(job.training.epochs(), job.progress.unit);
                self.kept = Some(0);
                ("warning", "what was kept of the attempt before is of no use: the job begins anew".to_owned())
            }
            after => ("info", format!("continues after epoch {after}")),
        };
        self.add(message(now(), level, text));
    }

    /// Takes epochs until `max` events wait to be written, and returns how many are left.
    fn gather(&mut self, max: usize) -> usize {
        self.tell_continuation();
        if let Some(epoch) = self.link.take_kept() {
            (self.kept, self.has_checkpoints) = (Some(epoch), true);
        }
        let (epochs, left) = self.link.take_epochs(max.saturating_sub(self.events.len()));
        if let Some(total) = self.link.total() {
            self.fit_events.set_total(total);
        }
        let Some(started) = self.link.started() else { return left };
        metrics::epochs(epochs.len(), epochs.len() * started.rows);
        for epoch in epochs {
            self.fit_events.epoch(epoch, started, &mut self.events);
        }
        left
    }

    /// Publishes the progress within a long epoch to those who watch.
    fn publish_progress(&mut self) {
        let progress = self.link.take_progress();
        if !self.events.is_empty() {
            self.last_progress = Instant::now();
        } else if self.last_progress.elapsed() >= PROGRESS {
            match progress {
                // The epoch was told of before.
                Some(progress) if self.fit_events.is_recorded(progress.epoch) => {}
                Some(progress) => {
                    self.last_progress = Instant::now();
                    self.claim.changes.publish_progress(self.fit_events.progress_event(progress));
                }
                None => self.link.request_progress(),
            }
        }
    }

    /// The report of all gathered events.
    fn report(&mut self) -> Report {
        let started = self.link.started();
        // A checkpoint is recorded with the events of its epochs, or after them.
        let reached = self.fit_events.reached();
        let checkpoint = self.kept.take_if(|epoch| *epoch <= reached);
        Report {
            checkpoint,
            events: std::mem::take(&mut self.events),
            progress: self.fit_events.progress(self.link.trained()),
            metrics: self.fit_events.metrics().clone(),
            best: self.fit_events.best().cloned(),
            timing: Timing {
                queued_seconds: None,
                preparing_seconds: started.map(|started| started.preparing.as_secs_f64()),
                training_seconds: self.link.trained().map(|trained| trained.as_secs_f64()),
            },
        }
    }

    /// Stores the weights of a fit that succeeded, and records the end.
    pub async fn finish(mut self, ended: Ended, stop: &CancellationToken) -> Result<Job, StoreError> {
        while self.link.waiting() > BATCH_EPOCHS && self.write().await > 0 {}
        self.gather(usize::MAX);
        let job = self.claim.job.clone();
        let artifact = ArtifactKey::weights(job.id, self.claim.fence);
        let mut duration = None;
        let outcome = match ended {
            Ended::Failed(error) => Outcome::Failed(error),
            // A cancel that the store acknowledged takes precedence over a release.
            Ended::Stopped if self.asked().cancel => Outcome::Cancelled,
            Ended::Stopped => Outcome::Released,
            Ended::Again => Outcome::Again,
            Ended::Trained(trained) => {
                let Trained {
                    fitted,
                    duration: of_fit,
                    summary,
                    confusion_matrix,
                    leaderboard,
                    constant_features,
                    warnings,
                    description,
                    file,
                } = *trained;
                self.events.extend(constant_columns(constant_features, &job));
                self.events.extend(warnings.into_iter().map(|text| message(now(), "warning", text)));
                duration = Some(of_fit);
                let best_epoch = match (&fitted, job.training.network()) {
                    (Fit::Network(fitted), Some(training)) => {
                        self.events.extend(self.fit_events.end(fitted, training));
                        Some(fitted.best_epoch)
                    }
                    (Fit::Network(fitted), None) => Some(fitted.best_epoch),
                    (Fit::Classical { logs, messages, .. }, _) => {
                        self.events.extend(self.fit_events.end_classical(logs, messages));
                        self.fit_events.best().map(|(epoch, _)| *epoch)
                    }
                };
                let facts = match fitted {
                    Fit::Network(_) => None,
                    Fit::Classical { facts, .. } => Some(facts),
                };
                match self.store(&artifact, file.into(), stop).await {
                    Ok(None) if self.asked().cancel => Outcome::Cancelled,
                    Ok(None) => Outcome::Released,
                    Ok(Some(Stored { bytes, sha256 })) => Outcome::Succeeded {
                        version: Box::new(ModelVersion {
                            model: job.model,
                            version: 0,
                            job: job.id,
                            dataset: job.dataset,
                            metrics: self.fit_events.metrics().clone(),
                            confusion_matrix,
                            leaderboard,
                            signature: description.signature,
                            summary,
                            fitted: facts,
                            bytes,
                            sha256,
                            created_at: now(),
                        }),
                        artifact: artifact.clone(),
                        best_epoch,
                    },
                    Err(error) => Outcome::Failed(unstored(job.id, &error)),
                }
            }
        };
        let mut report = self.report();
        report.timing.training_seconds =
            duration.map(|duration| duration.as_secs_f64()).or(report.timing.training_seconds);
        let result = self.commit(&report, &outcome, stop).await;
        let is_committed = matches!(&result, Ok(job) if job.version.is_some());
        if matches!(outcome, Outcome::Succeeded { .. }) && !is_committed {
            // Where this fails, the next start removes them.
            if let Err(error) = self.context.artifacts.remove(&artifact).await {
                tracing::warn!(%error, "cannot remove unused weights");
            }
        }
        if let Ok(job) = &result {
            metrics::ended(job);
        }
        let has_ended = match &result {
            Ok(job) => job.status.is_terminal(),
            Err(error) => matches!(error, StoreError::Fenced | StoreError::NotFound(_)),
        };
        if has_ended && self.has_checkpoints {
            let (artifacts, id) = (self.context.artifacts.clone(), self.claim.job.id);
            let _ = tokio::task::spawn_blocking(move || artifacts.remove_checkpoints(id, None)).await;
        }
        result
    }

    /// Records the end, and tries again while the database fails: no other job could run either.
    async fn commit(&self, report: &Report, outcome: &Outcome, stop: &CancellationToken) -> Result<Job, StoreError> {
        let mut last_attempts = LAST_ATTEMPTS;
        loop {
            let error = match self.context.store.finish(self.claim.job.id, self.claim.fence, report, outcome).await {
                Ok(job) => return Ok(job),
                Err(error @ (StoreError::Fenced | StoreError::NotFound(_))) => return Err(error),
                Err(error) => error,
            };
            if stop.is_cancelled() {
                last_attempts -= 1;
                if last_attempts == 0 {
                    return Err(error);
                }
            }
            tracing::error!(job = %self.claim.job.id, error = error.with_cause(), "cannot record the end of the job; tries again");
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// A warning about features that vary in the dataset and not in its training rows.
fn constant_columns(features: Vec<String>, job: &Job) -> Option<NewEvent> {
    let is_known = |name: &String| {
        job.warnings.iter().any(|warning| warning.code == "constant_columns" && warning.columns.contains(name))
    };
    let constant: Vec<String> =
        features.iter().filter(|name| !is_known(name)).take(10).map(|name| format!("{name:?}")).collect();
    (!constant.is_empty()).then(|| {
        let names = constant.join(", ");
        message(now(), "warning", format!("these columns do not vary in the training rows and have no effect: {names}"))
    })
}
