//! Transitions of a job as functions of its record. The store loads the record, calls one, and saves record and events in the same
//! transaction.

use crate::{
    job::{EventKind, Job, JobError, JobProgress, JobStatus, Timing},
    store::{NewEvent, Outcome, Report, StoreError},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A job with the fields that only the store uses.
#[derive(Debug, Clone, PartialEq)]
pub struct JobState {
    /// The public record.
    pub job: Job,
    /// Increases with each claim.
    pub fence: u64,
    /// Whether a cancel was requested while it runs.
    pub cancelling: bool,
    /// When it was last queued.
    pub queued_at: Timestamp,
}

impl JobState {
    /// A new job in the queue.
    pub fn submitted(job: Job) -> (Self, Vec<NewEvent>) {
        let mut state = Self { fence: 0, cancelling: false, queued_at: job.created_at, job };
        let event = state.enqueue(state.queued_at);
        (state, vec![event])
    }

    /// A worker claims it: the attempt counts, and the fence excludes earlier holders.
    pub fn claim(&mut self, now: Timestamp) -> Vec<NewEvent> {
        let job = &mut self.job;
        self.fence += 1;
        job.status = JobStatus::Running;
        job.attempt += 1;
        job.started_at = job.started_at.or(Some(now));
        job.timing = Timing {
            queued_seconds: Some(now.duration_since(self.queued_at).as_secs_f64().max(0.0)),
            ..Timing::default()
        };
        vec![self.status_event(now)]
    }

    /// Fails unless `fence` is that of the current claim.
    pub fn check_holder(&self, fence: u64) -> Result<(), StoreError> {
        if self.fence == fence && self.job.status == JobStatus::Running { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Progress of its worker.
    pub fn report(&mut self, report: &Report) {
        let job = &mut self.job;
        job.progress = report.progress.clone();
        job.metrics = report.metrics.clone();
        if let Some((epoch, logs)) = &report.best {
            (job.best_epoch, job.best) = (Some(*epoch), Some(logs.clone()));
        }
        job.timing.preparing_seconds = report.timing.preparing_seconds.or(job.timing.preparing_seconds);
        job.timing.training_seconds = report.timing.training_seconds.or(job.timing.training_seconds);
    }

    /// Its worker ends it; `version` is the number of the committed version.
    ///
    /// A job that is being cancelled neither succeeds nor returns to the queue: a version is only committed where
    /// [`Self::commits_version`] says so.
    pub fn finish(&mut self, outcome: &Outcome, version: Option<u64>, now: Timestamp) -> Vec<NewEvent> {
        match outcome {
            Outcome::Failed(error) => vec![self.fail(error.clone(), now)],
            Outcome::Succeeded { version: made, best_epoch, .. } if self.commits_version(outcome) => {
                self.job.confusion_matrix = made.confusion_matrix.clone();
                self.job.version = version;
                self.job.best_epoch = *best_epoch;
                self.job.progress.fraction = 1.0;
                vec![self.end(JobStatus::Succeeded, now)]
            }
            Outcome::Released if !self.cancelling => {
                self.job.attempt = self.job.attempt.saturating_sub(1);
                vec![
                    message(now, "info", "returned to the queue, since the service stops".to_owned()),
                    self.enqueue(now),
                ]
            }
            Outcome::Succeeded { .. } | Outcome::Released | Outcome::Cancelled => {
                vec![self.end(JobStatus::Cancelled, now)]
            }
        }
    }

    /// Whether this outcome commits a version of the model.
    pub fn commits_version(&self, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Succeeded { .. }) && !self.cancelling
    }

    /// Its user cancels it.
    pub fn cancel(&mut self, now: Timestamp) -> Result<Vec<NewEvent>, StoreError> {
        match self.job.status {
            JobStatus::Queued | JobStatus::Paused => Ok(vec![self.end(JobStatus::Cancelled, now)]),
            JobStatus::Running => {
                self.cancelling = true;
                Ok(Vec::new())
            }
            ended => Err(StoreError::Conflict(format!("the job has ended already: it is {}", ended.name()))),
        }
    }

    /// It was running when the process died.
    pub fn recover(&mut self, max_attempts: u32, now: Timestamp) -> Vec<NewEvent> {
        let attempt = self.job.attempt;
        if self.cancelling {
            return vec![self.end(JobStatus::Cancelled, now)];
        }
        if attempt >= max_attempts {
            let detail = format!(
                "the service died in each of {attempt} attempts to run this job; it may need more memory than is available: \
                 try a smaller model, batch or dataset, and see the service's log"
            );
            return vec![self.fail(JobError { code: "attempts_exhausted".to_owned(), detail }, now)];
        }
        let text =
            format!("the service stopped during attempt {attempt}; attempt {} of {max_attempts} follows", attempt + 1);
        vec![message(now, "warning", text), self.enqueue(now)]
    }

    fn enqueue(&mut self, now: Timestamp) -> NewEvent {
        let job = &mut self.job;
        job.status = JobStatus::Queued;
        job.progress = JobProgress::new(job.training.epochs(), job.progress.unit);
        job.metrics = Map::new();
        (job.best_epoch, job.best) = (None, None);
        job.timing = Timing::default();
        self.queued_at = now;
        self.status_event(now)
    }

    fn fail(&mut self, error: JobError, now: Timestamp) -> NewEvent {
        self.job.error = Some(error);
        self.end(JobStatus::Failed, now)
    }

    fn end(&mut self, status: JobStatus, now: Timestamp) -> NewEvent {
        self.job.status = status;
        self.job.progress.eta_seconds = None;
        self.job.ended_at = Some(now);
        self.status_event(now)
    }

    fn status_event(&self, at: Timestamp) -> NewEvent {
        let job = &self.job;
        let next = u32::from(job.status == JobStatus::Queued);
        let mut data = Map::new();
        data.insert("status".to_owned(), job.status.name().into());
        data.insert("attempt".to_owned(), (job.attempt + next).into());
        if let Some(version) = job.version {
            data.insert("version".to_owned(), version.into());
        }
        if let Some(error) = &job.error {
            data.insert("error".to_owned(), json!({"code": error.code, "detail": error.detail}));
        }
        NewEvent { kind: EventKind::Status, at, data }
    }
}

/// A `message` event; `level` is `info` or `warning`.
pub fn message(at: Timestamp, level: &str, text: String) -> NewEvent {
    let data = [("level".to_owned(), Value::from(level)), ("text".to_owned(), Value::from(text))];
    NewEvent { kind: EventKind::Message, at, data: data.into_iter().collect() }
}
