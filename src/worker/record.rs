//! The slot's side of a job: starts its thread, writes down what the thread reports, ends it.

mod events;
mod metrics;

pub use metrics::describe_metrics;

use crate::{
    job::{Job, JobError, ModelVersion, Timing, now},
    store::{
        Claim, NewEvent, Outcome, Report, StoreError,
        artifacts::{ArtifactKey, Stored},
        state::message,
    },
    worker::{
        Context,
        fit_thread::FitThread,
        link::Link,
        prepare::{Input, Inputs},
        train::{Ended, Trained, fault, train},
    },
};
use events::Story;
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

/// Between two batches of events; a job that ends sooner is written in one.
const BATCH: Duration = Duration::from_millis(100);

/// Most epochs of a batch, which bounds its memory.
const BATCH_EPOCHS: usize = 4096;

/// Between two `progress` events.
const PROGRESS: Duration = Duration::from_millis(250);

/// Between two reports of a job whose epochs are long.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Between two attempts to write the end of a job.
const RETRY: Duration = Duration::from_secs(1);

/// Attempts to write it once the service stops: the job is then run again at the next start.
const LAST_ATTEMPTS: u32 = 3;

/// Runs a claimed job to its end and returns it as it ended.
pub async fn run(
    context: &Context,
    fits: &mut FitThread,
    claim: Claim,
    stop: &CancellationToken,
) -> Result<Job, StoreError> {
    let link = Arc::new(Link::default());
    let mut recorder = Recorder::new(context, claim, Arc::clone(&link));
    let ended = match inputs(context, &recorder.claim.job).await {
        Ok(inputs) => recorder.follow(start(inputs, context, fits, link), stop).await,
        Err(error) => {
            tracing::error!(job = %recorder.claim.job.id, %error, "what the job needs cannot be opened");
            Ended::Failed(fault())
        }
    };
    recorder.finish(ended, stop).await
}

/// Opens what the job names. By id: it was there when the job was submitted, and is not deleted before it ends.
async fn inputs(context: &Context, job: &Job) -> Result<Inputs, StoreError> {
    let open = async |id: uuid::Uuid| {
        let dataset = context.store.dataset(&id.to_string()).await?;
        let source = context.artifacts.source(&ArtifactKey::dataset(id), &dataset.sha256).await?;
        Ok::<_, StoreError>(Input { dataset, source })
    };
    let model = context.store.model(&job.model_id.to_string()).await?;
    let data = open(job.dataset_id).await?;
    let validation = match job.validation_dataset_id {
        Some(id) => Some(open(id).await?),
        None => None,
    };
    Ok(Inputs { job: job.clone(), model, data, validation })
}

/// Trains on the slot's thread. A panic there ends the job, not the service.
fn start(inputs: Inputs, context: &Context, fits: &mut FitThread, link: Arc<Link>) -> oneshot::Receiver<Ended> {
    let (sender, receiver) = oneshot::channel();
    let (limits, threads, id) = (context.limits, context.threads, inputs.job.id);
    let given = fits.run(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| train(inputs, &limits, threads, &link)));
        // The slot may be gone with the runtime: then nobody needs this any more.
        let _ = sender.send(ended.unwrap_or_else(|panic| {
            tracing::error!(job = %id, panic = panic_text(&*panic), "training panicked");
            Ended::Failed(fault())
        }));
    });
    if let Err(error) = given {
        // The sender went with the closure, which the slot takes for a fault.
        tracing::error!(job = %id, %error, "cannot start a thread");
    }
    receiver
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}

struct Recorder<'a> {
    context: &'a Context,
    claim: Claim,
    link: Arc<Link>,
    story: Story,
    /// Not written yet.
    events: Vec<NewEvent>,
    last_report: Instant,
    last_progress: Instant,
}

impl<'a> Recorder<'a> {
    fn new(context: &'a Context, claim: Claim, link: Arc<Link>) -> Self {
        let story = Story::new(claim.job.training.epochs);
        let now = Instant::now();
        Self { context, claim, link, story, events: Vec::new(), last_report: now, last_progress: now }
    }

    /// Writes down what happens until the thread has ended.
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

    /// Writes what came since the last batch; what cannot be written now is kept for the next. Says how many epochs
    /// could be written right after.
    async fn write(&mut self) -> usize {
        let mut left = self.gather(BATCH_EPOCHS);
        self.show_progress();
        if self.events.is_empty() && self.last_report.elapsed() < HEARTBEAT {
            return left;
        }
        self.last_report = Instant::now();
        let report = self.report();
        match self.context.store.report(self.claim.job.id, self.claim.fence, &report).await {
            Ok(false) => {}
            Ok(true) | Err(StoreError::Fenced) => self.link.stop(),
            Err(error) => {
                tracing::warn!(job = %self.claim.job.id, %error, "cannot write events, which are kept for later");
                self.events = report.events;
                left = 0;
            }
        }
        left
    }

    /// Takes epochs until `most` wait to be written, and says how many are left.
    fn gather(&mut self, most: usize) -> usize {
        let (epochs, left) = self.link.take_epochs(most.saturating_sub(self.events.len()));
        let Some(started) = self.link.started() else { return left };
        metrics::epochs(epochs.len(), epochs.len() * started.rows);
        for epoch in epochs {
            self.story.epoch(epoch, started, &mut self.events);
        }
        left
    }

    /// Tells those who watch now how far an epoch is that takes long.
    fn show_progress(&mut self) {
        let progress = self.link.take_progress();
        if !self.events.is_empty() {
            self.last_progress = Instant::now();
        } else if self.last_progress.elapsed() >= PROGRESS {
            match progress {
                Some(progress) => {
                    self.last_progress = Instant::now();
                    self.claim.changes.publish_progress(self.story.within(progress));
                }
                None => self.link.want_progress(),
            }
        }
    }

    /// The report of everything gathered.
    fn report(&mut self) -> Report {
        let started = self.link.started();
        Report {
            events: std::mem::take(&mut self.events),
            progress: self.story.progress(started),
            metrics: self.story.metrics().clone(),
            timing: Timing {
                queued_seconds: None,
                preparing_seconds: started.map(|started| started.preparing.as_secs_f64()),
                training_seconds: started.map(|started| started.at.elapsed().as_secs_f64()),
            },
        }
    }

    /// Stores the weights, where there are some, and then writes the end.
    async fn finish(mut self, ended: Ended, stop: &CancellationToken) -> Result<Job, StoreError> {
        while self.link.waiting() > BATCH_EPOCHS && self.write().await > 0 {}
        self.gather(usize::MAX);
        let job = self.claim.job.clone();
        let artifact = ArtifactKey::weights(job.id, self.claim.fence);
        let mut took = None;
        let outcome = match ended {
            Ended::Failed(error) => Outcome::Failed(error),
            // Why it stopped is known best by the store: a cancel that it acknowledged goes before a release.
            Ended::Stopped if self.claim.changes.is_cancelling() => Outcome::Cancelled,
            Ended::Stopped => Outcome::Released,
            Ended::Trained(trained) => {
                let Trained { fitted, took: fitting, summary, confusion_matrix, description, file } = *trained;
                took = Some(fitting);
                self.events.extend(self.story.end(&fitted, &job.training));
                match self.context.artifacts.put(&artifact, file.into()).await {
                    Ok(Stored { bytes, sha256 }) => Outcome::Succeeded {
                        version: Box::new(ModelVersion {
                            model: job.model,
                            version: 0,
                            job: job.id,
                            dataset: job.dataset,
                            metrics: self.story.metrics().clone(),
                            confusion_matrix,
                            signature: description.signature,
                            summary,
                            bytes,
                            sha256,
                            created_at: now(),
                        }),
                        artifact: artifact.clone(),
                        best_epoch: Some(fitted.best_epoch),
                    },
                    Err(error) => Outcome::Failed(unstored(job.id, error)),
                }
            }
        };
        let mut report = self.report();
        report.timing.training_seconds = took.map(|took| took.as_secs_f64()).or(report.timing.training_seconds);
        let result = self.commit(&report, &outcome, stop).await;
        let kept = matches!(&result, Ok(job) if job.version.is_some());
        if matches!(outcome, Outcome::Succeeded { .. }) && !kept {
            // Where this fails, or the process dies first, the next start removes it.
            if let Err(error) = self.context.artifacts.remove(&artifact).await {
                tracing::warn!(%error, "cannot remove weights that nobody needs");
            }
        }
        if let Ok(job) = &result {
            metrics::ended(job);
        }
        result
    }

    /// Writes the end. While the database fails, no other job could be run either: this tries until it answers.
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
            tracing::error!(job = %self.claim.job.id, %error, "cannot write the end of a job; tries again");
            tokio::time::sleep(RETRY).await;
        }
    }
}

fn unstored(id: uuid::Uuid, error: StoreError) -> JobError {
    tracing::error!(job = %id, %error, "trained weights cannot be stored");
    match error {
        StoreError::Full => JobError {
            code: "storage_full".to_owned(),
            detail: "the weights could not be stored, since no space is left; delete datasets or models, and submit the job \
                     again"
                .to_owned(),
        },
        _ => fault(),
    }
}

/// An event for people.
fn info(text: String) -> NewEvent {
    message(now(), "info", text)
}
