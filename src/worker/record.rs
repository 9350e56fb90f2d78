//! The slot's side of a job: starts the fit, records its reports, and commits its end.

mod events;
mod metrics;

pub use metrics::describe_metrics;

use crate::{
    job::{Job, JobError, ModelVersion, Timing, now},
    memory::{Refusal, Reservation},
    store::{
        Claim, NewEvent, Outcome, Report, StoreError,
        artifacts::{ArtifactKey, Stored},
        state::message,
    },
    worker::{
        Context,
        ended::{Ended, Fit, Trained, fault},
        fit_thread::FitThread,
        link::Link,
        prepare::{Input, Inputs},
        train::train,
    },
};
use events::FitEvents;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

/// Interval between two batches of events.
const BATCH: Duration = Duration::from_millis(100);

/// Maximum number of epochs in a batch, to bound its memory.
const BATCH_EPOCHS: usize = 4096;

/// Interval between two `progress` events.
const PROGRESS: Duration = Duration::from_millis(250);

/// Maximum interval between two reports of a job.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Interval between two attempts to record the end of a job.
const RETRY: Duration = Duration::from_secs(1);

/// Attempts to record it once the service stops; then the job runs again at the next start.
const LAST_ATTEMPTS: u32 = 3;

/// Runs a claimed job to its end and returns its final record.
pub async fn run(
    context: &Context,
    fits: &mut FitThread,
    claim: Claim,
    stop: &CancellationToken,
) -> Result<Job, StoreError> {
    let link = Arc::new(Link::default());
    let mut recorder = Recorder::new(context, claim, Arc::clone(&link));
    // Held until the weights are stored.
    let memory = match recorder.reserve(stop).await {
        Ok(memory) => memory,
        Err(ended) => return recorder.finish(ended, stop).await,
    };
    let ended = match inputs(context, &recorder.claim.job).await {
        Ok(inputs) => recorder.follow(start(inputs, context, fits, link), stop).await,
        Err(error) => {
            tracing::error!(job = %recorder.claim.job.id, %error, "the files of the job cannot be opened");
            Ended::Failed(fault())
        }
    };
    let finished = recorder.finish(ended, stop).await;
    drop(memory);
    finished
}

/// Opens the model and the datasets of a job, which cannot be deleted before it ends.
async fn inputs(context: &Context, job: &Job) -> Result<Inputs, StoreError> {
    let open = async |id: uuid::Uuid| {
        let dataset = context.store.dataset(&id.to_string()).await?;
        let source = context.artifacts.source(&ArtifactKey::dataset(id), &dataset.sha256).await?;
        let columns = context.artifacts.columns(id);
        if columns.is_none() {
            context.artifacts.store_columns(&dataset);
        }
        Ok::<_, StoreError>(Input { dataset, source, columns })
    };
    let model = context.store.model(&job.model_id.to_string()).await?;
    let data = open(job.dataset_id).await?;
    let validation = match job.validation_dataset_id {
        Some(id) => Some(open(id).await?),
        None => None,
    };
    Ok(Inputs { job: job.clone(), model, data, validation })
}

/// Trains on the fit thread. A panic there ends the job, not the service.
fn start(inputs: Inputs, context: &Context, fits: &mut FitThread, link: Arc<Link>) -> oneshot::Receiver<Ended> {
    let (sender, receiver) = oneshot::channel();
    let (limits, threads, id) = (context.limits, context.threads, inputs.job.id);
    let started = fits.run(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| train(inputs, &limits, threads, &link)));
        // The slot is gone where the runtime has ended.
        let _ = sender.send(ended.unwrap_or_else(|panic| {
            tracing::error!(job = %id, panic = panic_text(&*panic), "training panicked");
            Ended::Failed(fault())
        }));
    });
    if let Err(error) = started {
        // The sender is dropped with the closure, which the slot records as a fault.
        tracing::error!(job = %id, %error, "cannot start a thread");
    }
    receiver
}

/// The message of a panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

struct Recorder<'a> {
    context: &'a Context,
    claim: Claim,
    link: Arc<Link>,
    fit_events: FitEvents,
    /// Not written yet.
    events: Vec<NewEvent>,
    last_report: Instant,
    last_progress: Instant,
}

impl<'a> Recorder<'a> {
    fn new(context: &'a Context, claim: Claim, link: Arc<Link>) -> Self {
        let fit_events = FitEvents::new(claim.job.training.epochs(), claim.job.progress.unit);
        let now = Instant::now();
        Self { context, claim, link, fit_events, events: Vec::new(), last_report: now, last_progress: now }
    }

    /// Waits for the memory that the job states, however long others have it.
    async fn reserve(&mut self, stop: &CancellationToken) -> Result<Reservation, Ended> {
        let needed = self.claim.job.summary.map_or(0, |summary| summary.memory.peak_bytes);
        let mut is_told = false;
        loop {
            if self.claim.changes.is_cancelling() || stop.is_cancelled() {
                return Err(Ended::Stopped);
            }
            let reserved = tokio::select! {
                reserved = self.context.memory.reserve(needed, HEARTBEAT) => reserved,
                _ = self.claim.changes.next() => continue,
                () = stop.cancelled() => continue,
            };
            match reserved {
                Ok(memory) => return Ok(memory),
                Err(refusal @ Refusal::TooLarge { .. }) => {
                    return Err(Ended::Failed(JobError { code: "too_large".to_owned(), detail: refusal.to_string() }));
                }
                Err(refusal) => {
                    if !std::mem::replace(&mut is_told, true) {
                        self.events.push(message(now(), "info", format!("waits for memory: {refusal}")));
                    }
                    self.write().await;
                }
            }
        }
    }

    /// Records reports until the fit has ended.
    async fn follow(&mut self, mut thread: oneshot::Receiver<Ended>, stop: &CancellationToken) -> Ended {
        let mut batch = interval_at(tokio::time::Instant::now() + BATCH, BATCH);
        batch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.claim.changes.is_cancelling() || stop.is_cancelled() {
                self.link.stop();
            }
            let stopping = self.link.is_stopping();
            tokio::select! {
                ended = &mut thread => return ended.unwrap_or_else(|_| Ended::Failed(fault())),
                _ = batch.tick() => if self.write().await > 0 {
                    batch.reset_immediately();
                },
                _ = self.claim.changes.next(), if !stopping => {}
                () = stop.cancelled(), if !stopping => {}
            }
        }
    }

    /// Records a batch; what cannot be written is kept for the next. Returns the number of epochs that still wait.
    async fn write(&mut self) -> usize {
        let mut left = self.gather(BATCH_EPOCHS);
        self.publish_progress();
        if self.events.is_empty() && self.last_report.elapsed() < HEARTBEAT {
            return left;
        }
        self.last_report = Instant::now();
        let report = self.report();
        match self.context.store.report(self.claim.job.id, self.claim.fence, &report).await {
            Ok(false) => {}
            Ok(true) | Err(StoreError::Fenced) => self.link.stop(),
            Err(error) => {
                tracing::warn!(job = %self.claim.job.id, %error, "cannot write events; tries again with the next batch");
                self.events = report.events;
                left = 0;
            }
        }
        left
    }

    /// Takes epochs until `max` events wait to be written, and returns how many are left.
    fn gather(&mut self, max: usize) -> usize {
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
        Report {
            events: std::mem::take(&mut self.events),
            progress: self.fit_events.progress(started),
            metrics: self.fit_events.metrics().clone(),
            best: self.fit_events.best().cloned(),
            timing: Timing {
                queued_seconds: None,
                preparing_seconds: started.map(|started| started.preparing.as_secs_f64()),
                training_seconds: started.map(|started| started.at.elapsed().as_secs_f64()),
            },
        }
    }

    /// Stores the weights of a fit that succeeded, and records the end.
    async fn finish(mut self, ended: Ended, stop: &CancellationToken) -> Result<Job, StoreError> {
        while self.link.waiting() > BATCH_EPOCHS && self.write().await > 0 {}
        self.gather(usize::MAX);
        let job = self.claim.job.clone();
        let artifact = ArtifactKey::weights(job.id, self.claim.fence);
        let mut duration = None;
        let outcome = match ended {
            Ended::Failed(error) => Outcome::Failed(error),
            // A cancel that the store acknowledged takes precedence over a release.
            Ended::Stopped if self.claim.changes.is_cancelling() => Outcome::Cancelled,
            Ended::Stopped => Outcome::Released,
            Ended::Trained(trained) => {
                let Trained {
                    fitted,
                    duration: of_fit,
                    summary,
                    confusion_matrix,
                    constant_features,
                    description,
                    file,
                } = *trained;
                self.events.extend(constant_columns(constant_features, &job));
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
                match self.context.artifacts.put(&artifact, file.into()).await {
                    Ok(Stored { bytes, sha256 }) => Outcome::Succeeded {
                        version: Box::new(ModelVersion {
                            model: job.model,
                            version: 0,
                            job: job.id,
                            dataset: job.dataset,
                            metrics: self.fit_events.metrics().clone(),
                            confusion_matrix,
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
                    Err(error) => Outcome::Failed(unstored(job.id, error)),
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
            tracing::error!(job = %self.claim.job.id, %error, "cannot record the end of the job; tries again");
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

fn unstored(id: uuid::Uuid, error: StoreError) -> JobError {
    tracing::error!(job = %id, %error, "trained weights cannot be stored");
    match error {
        StoreError::Full => JobError {
            code: "storage_full".to_owned(),
            detail:
                "the weights could not be stored, since no disk space is left; delete datasets or models, and submit \
                     the job again"
                    .to_owned(),
        },
        _ => fault(),
    }
}
