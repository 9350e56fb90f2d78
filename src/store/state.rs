//! Transitions of a job as functions of its record. The store loads the record, calls one, and saves record and events in the same
//! transaction.

use crate::{
    job::{EventKind, Job, JobError, JobProgress, JobStatus, Timing},
    store::{NewEvent, Outcome, Report, StoreError, changes::Asked},
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
    /// What users ask of it.
    pub asked: Asked,
    /// Whether a worker has it in memory although it does not run: paused, or resumed and waiting for a slot.
    pub held: bool,
    /// When it was last queued.
    pub queued_at: Timestamp,
    /// The epoch after which the state of its fit is kept.
    pub checkpoint: Option<u32>,
    /// The number of attempts since the state of a later epoch was last kept: as many as may have ended the process.
    pub fruitless: u32,
}

impl JobState {
    /// A new job in the queue.
    pub fn submitted(job: Job) -> (Self, Vec<NewEvent>) {
        let mut state = Self {
            fence: 0,
            asked: Asked::default(),
            held: false,
            queued_at: job.created_at,
            checkpoint: None,
            fruitless: 0,
            job,
        };
        let event = state.enqueue(state.queued_at);
        (state, vec![event])
    }

    /// A worker claims it: the attempt counts, and the fence excludes earlier holders.
    pub fn claim(&mut self, now: Timestamp) -> Vec<NewEvent> {
        let job = &mut self.job;
        self.fence += 1;
        self.fruitless += 1;
        job.attempt += 1;
        // What its events tell of is trained again before it ends.
        self.asked.finish_after = self.asked.finish_after.map(|epoch| epoch.max(job.progress.epoch));
        job.started_at = job.started_at.or(Some(now));
        job.timing = Timing {
            queued_seconds: Some(now.duration_since(self.queued_at).as_secs_f64().max(0.0)),
            ..Timing::default()
        };
        vec![self.become_status(JobStatus::Running, now)]
    }

    /// Fails unless `fence` is that of the current claim.
    pub fn check_holder(&self, fence: u64) -> Result<(), StoreError> {
        let has_worker = self.held || self.job.status == JobStatus::Running;
        if self.fence == fence && has_worker { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Progress of its worker.
    pub fn report(&mut self, report: &Report) {
        let job = &mut self.job;
        job.progress = report.progress.clone();
        job.metrics = report.metrics.clone();
        if let Some((epoch, logs)) = &report.best {
            (job.best_epoch, job.best) = (Some(*epoch), Some(logs.clone()));
        }
        match report.checkpoint {
            Some(0) => {
                self.checkpoint = None;
                if report.best.is_none() {
                    (job.best_epoch, job.best) = (None, None);
                }
            }
            Some(epoch) => {
                if self.checkpoint < Some(epoch) {
                    self.fruitless = 0;
                }
                self.checkpoint = Some(epoch);
            }
            None => {}
        }
        job.timing.preparing_seconds = report.timing.preparing_seconds.or(job.timing.preparing_seconds);
        job.timing.training_seconds = report.timing.training_seconds.or(job.timing.training_seconds);
    }

    /// Its worker has stopped it between two steps and keeps it in memory. `None` where it is not to be paused any more.
    pub fn park(&mut self, now: Timestamp) -> Option<NewEvent> {
        if !self.asked.pause || self.asked.cancel || self.job.status != JobStatus::Running {
            return None;
        }
        self.held = true;
        Some(self.become_status(JobStatus::Paused, now))
    }

    /// Its worker has a slot for it again. `None` where it is not to run.
    pub fn unpark(&mut self, now: Timestamp) -> Option<NewEvent> {
        if !self.held || self.job.status != JobStatus::Queued {
            return None;
        }
        self.held = false;
        Some(self.become_status(JobStatus::Running, now))
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
                self.job.leaderboard = made.leaderboard.clone();
                self.job.version = version;
                self.job.best_epoch = *best_epoch;
                self.job.progress.fraction = 1.0;
                vec![self.end(JobStatus::Succeeded, now)]
            }
            Outcome::Released if !self.asked.cancel => self.release("the service stops", now),
            Outcome::Again if !self.asked.cancel => self.release("its checkpoint is of no use", now),
            Outcome::Succeeded { .. } | Outcome::Released | Outcome::Again | Outcome::Cancelled => {
                vec![self.end(JobStatus::Cancelled, now)]
            }
        }
    }

    /// Whether this outcome commits a version of the model.
    pub fn commits_version(&self, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Succeeded { .. }) && !self.asked.cancel
    }

    /// Its user cancels it.
    pub fn cancel(&mut self, now: Timestamp) -> Result<Vec<NewEvent>, StoreError> {
        self.check_open()?;
        self.asked.cancel = true;
        match self.job.status {
            JobStatus::Running => Ok(Vec::new()),
            _ => Ok(vec![self.end(JobStatus::Cancelled, now)]),
        }
    }

    /// Its user pauses it. `refusal` says why it cannot be paused while it runs.
    pub fn pause(&mut self, refusal: Option<&str>, now: Timestamp) -> Result<Vec<NewEvent>, StoreError> {
        self.check_kept()?;
        match (self.job.status, refusal) {
            (JobStatus::Running, Some(refusal)) => return Err(StoreError::Conflict(refusal.to_owned())),
            (JobStatus::Queued, _) => {
                self.asked.pause = true;
                return Ok(vec![self.become_status(JobStatus::Paused, now)]);
            }
            _ => self.asked.pause = true,
        }
        Ok(Vec::new())
    }

    /// Its user lets it go on.
    pub fn resume(&mut self, now: Timestamp) -> Result<Vec<NewEvent>, StoreError> {
        self.check_kept()?;
        if !self.asked.pause {
            return Err(StoreError::Conflict(format!("the job is not paused: it is {}", self.job.status.name())));
        }
        self.asked.pause = false;
        Ok(self.go_on(now))
    }

    /// Its user wants the result of the epochs so far. `refusal` says why there is none before the end.
    pub fn finish_early(&mut self, refusal: Option<&str>, now: Timestamp) -> Result<Vec<NewEvent>, StoreError> {
        self.check_kept()?;
        if self.job.status != JobStatus::Running && !self.held && self.checkpoint.is_none() {
            let status = self.job.status.name();
            let detail = format!("the job is {status} and nothing of it is trained yet: let it run, or cancel it");
            return Err(StoreError::Conflict(detail));
        }
        if let Some(refusal) = refusal {
            return Err(StoreError::Conflict(refusal.to_owned()));
        }
        self.asked.finish_after.get_or_insert(self.job.progress.epoch + 1);
        self.asked.pause = false;
        Ok(self.go_on(now))
    }

    /// It had a worker when the process died.
    pub fn recover(&mut self, max_attempts: u32, now: Timestamp) -> Vec<NewEvent> {
        let attempt = self.job.attempt;
        if self.asked.cancel {
            return vec![self.end(JobStatus::Cancelled, now)];
        }
        if self.held {
            return self.release("the service stopped", now);
        }
        if self.fruitless >= max_attempts {
            let detail = format!(
                "the service died in each of the last {max_attempts} attempts to run this job; it may need more memory than is available: \
                 try a smaller model, batch or dataset, and see the service's log"
            );
            return vec![self.fail(JobError { code: "attempts_exhausted".to_owned(), detail }, now)];
        }
        if self.asked.pause {
            let after = self.continuation();
            let text = format!("the service stopped during attempt {attempt}: the job {after} when it is resumed");
            self.reset();
            return vec![message(now, "warning", text), self.become_status(JobStatus::Paused, now)];
        }
        let (next, last) = (attempt + 1, attempt + max_attempts - self.fruitless);
        let text = format!("the service stopped during attempt {attempt}; attempt {next} of {last} follows");
        vec![message(now, "warning", text), self.enqueue(now)]
    }

    fn check_open(&self) -> Result<(), StoreError> {
        match self.job.status {
            status if status.is_terminal() => {
                Err(StoreError::Conflict(format!("the job has ended already: it is {}", status.name())))
            }
            _ => Ok(()),
        }
    }

    fn check_kept(&self) -> Result<(), StoreError> {
        self.check_open()?;
        match self.asked.cancel {
            true => Err(StoreError::Conflict("the job is being cancelled".to_owned())),
            false => Ok(()),
        }
    }

    /// Its worker gives it up without a fault of the job: the attempt does not count, and what is in memory is lost.
    fn release(&mut self, why: &str, now: Timestamp) -> Vec<NewEvent> {
        self.job.attempt = self.job.attempt.saturating_sub(1);
        self.fruitless = self.fruitless.saturating_sub(1);
        if !self.asked.pause {
            return vec![message(now, "info", format!("returned to the queue, since {why}")), self.enqueue(now)];
        }
        let was_paused = self.job.status == JobStatus::Paused;
        self.reset();
        let text = format!("{why}: the job stays paused, and {} when it is resumed", self.continuation());
        let status = self.become_status(JobStatus::Paused, now);
        let told = message(now, "info", text);
        if was_paused { vec![told] } else { vec![told, status] }
    }

    /// A job that is not paused any more waits for a slot; one that still runs goes on.
    fn go_on(&mut self, now: Timestamp) -> Vec<NewEvent> {
        match self.job.status {
            JobStatus::Paused if self.held => vec![self.become_status(JobStatus::Queued, now)],
            JobStatus::Paused => vec![self.enqueue(now)],
            _ => Vec::new(),
        }
    }

    fn enqueue(&mut self, now: Timestamp) -> NewEvent {
        self.reset();
        self.queued_at = now;
        self.become_status(JobStatus::Queued, now)
    }

    /// As before its first attempt, or as after the last event of one that can be continued.
    fn reset(&mut self) {
        let job = &mut self.job;
        if self.checkpoint.is_none() {
            job.progress = JobProgress::new(job.training.epochs(), job.progress.unit);
            job.metrics = Map::new();
            (job.best_epoch, job.best) = (None, None);
        }
        job.timing = Timing::default();
        self.held = false;
    }

    /// What its next attempt does.
    fn continuation(&self) -> String {
        self.checkpoint.map_or_else(|| "begins anew".to_owned(), |epoch| format!("continues after epoch {epoch}"))
    }

    fn fail(&mut self, error: JobError, now: Timestamp) -> NewEvent {
        self.job.error = Some(error);
        self.end(JobStatus::Failed, now)
    }

    fn end(&mut self, status: JobStatus, now: Timestamp) -> NewEvent {
        self.held = false;
        self.checkpoint = None;
        self.job.ended_at = Some(now);
        self.become_status(status, now)
    }

    fn become_status(&mut self, status: JobStatus, at: Timestamp) -> NewEvent {
        let job = &mut self.job;
        job.status = status;
        if status != JobStatus::Running {
            job.progress.eta_seconds = None;
        }
        // Before an attempt, the one to come.
        let next = u32::from(matches!(status, JobStatus::Queued | JobStatus::Paused) && !self.held);
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
