//! [`Link`]: reports from the thread that fits to the task that records, without either waiting for the other, except while the job is
//! paused.

use crate::{
    engine::{
        cancel::Cancellation,
        fit::{EpochReport, EventSink, FitState, Progress},
    },
    worker::checkpoints::Keeper,
};
use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Maximum number of epochs that wait to be recorded, to bound memory. A fit that is faster than the database by this much
/// waits.
const MAX_WAITING: usize = 1 << 16;

const STOP: u8 = 1;
const PROGRESS: u8 = 2;
const PAUSE: u8 = 4;
const DRAIN: u8 = 8;

/// A fit that is to rest does so after the epoch that runs, if its end is so near.
const NEAR: Duration = Duration::from_secs(1);

/// As [`NEAR`], for a fit that is to end: what it has trained since its last checkpoint is lost otherwise.
const NEAR_END: Duration = Duration::from_secs(3);

/// No epoch has this number.
const NEVER: u32 = u32::MAX;

/// The report of an epoch, with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// Loss, metrics and learning rate.
    pub report: EpochReport,
    /// When it ended.
    pub ended: Instant,
    /// Its duration.
    pub duration: Duration,
}

/// The start of the fit itself.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// [`Link::worked`] at the first step.
    pub worked: Duration,
    /// Time from the start of the thread to the first step, without pauses.
    pub preparing: Duration,
    /// Number of training rows.
    pub rows: usize,
}

/// When the fit rested.
#[derive(Debug, Default)]
struct Pauses {
    /// The sum of those that are over.
    over: Duration,
    /// The beginning of the one that is not.
    since: Option<Instant>,
}

/// What the thread and the task share.
#[derive(Debug)]
pub struct Link {
    created: Instant,
    /// Flags that the task sets. A step reads them with one load.
    requests: AtomicU8,
    started: OnceLock<Started>,
    epochs: Mutex<VecDeque<Epoch>>,
    drained: Condvar,
    progress: Mutex<Option<Progress>>,
    /// How many trees, rounds or iterations the fit of a classical model has at most.
    total: OnceLock<u32>,
    /// As the flag in `requests`, for what looks within a step.
    cancelled: Arc<AtomicBool>,
    /// The fit ends with the first epoch from this one on.
    last_epoch: AtomicU32,
    pauses: Mutex<Pauses>,
    goes_on: Condvar,
    rests: Notify,
    /// The epoch after which the fit continues, once it has begun; 0 for the first. Only of fits whose state is kept.
    continued: OnceLock<u32>,
    /// The epoch of a checkpoint that is not recorded yet.
    kept: Mutex<Option<u32>>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            created: Instant::now(),
            requests: AtomicU8::new(0),
            started: OnceLock::new(),
            epochs: Mutex::default(),
            drained: Condvar::new(),
            progress: Mutex::default(),
            total: OnceLock::new(),
            cancelled: Arc::default(),
            last_epoch: AtomicU32::new(NEVER),
            pauses: Mutex::default(),
            goes_on: Condvar::new(),
            rests: Notify::new(),
            continued: OnceLock::new(),
            kept: Mutex::default(),
        }
    }
}

impl Link {
    /// Requests the work to end early, also where it rests.
    pub fn stop(&self) {
        let _pauses = lock(&self.pauses);
        self.requests.fetch_or(STOP, Ordering::Release);
        self.cancelled.store(true, Ordering::Release);
        self.drained.notify_all();
        self.goes_on.notify_all();
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Requests the fit to keep its state and to end after the epoch that runs, or at once where that takes long. False where it keeps
    /// nothing.
    pub fn drain(&self) -> bool {
        let keeps = self.continued.get().is_some() && !self.is_resting();
        if keeps {
            self.requests.fetch_or(DRAIN, Ordering::Release);
        }
        keeps
    }

    fn is_draining(&self) -> bool {
        self.requests.load(Ordering::Acquire) & DRAIN != 0
    }

    /// Says after which epoch the fit continues.
    pub fn set_continued(&self, after: u32) {
        self.continued.get_or_init(|| after);
    }

    /// The epoch after which the fit continues, once it has begun.
    pub fn continued(&self) -> Option<u32> {
        self.continued.get().copied()
    }

    /// The epoch of a checkpoint that was written since the last call.
    pub fn take_kept(&self) -> Option<u32> {
        lock(&self.kept).take()
    }

    /// Requests the fit to rest before its next step.
    pub fn pause(&self) {
        self.requests.fetch_or(PAUSE, Ordering::Release);
    }

    /// Lets the fit go on where it rests.
    pub fn resume(&self) {
        if self.is_pausing() {
            let _pauses = lock(&self.pauses);
            self.requests.fetch_and(!PAUSE, Ordering::Release);
            self.goes_on.notify_all();
        }
    }

    fn is_pausing(&self) -> bool {
        self.requests.load(Ordering::Acquire) & PAUSE != 0
    }

    /// Whether the fit rests.
    pub fn is_resting(&self) -> bool {
        lock(&self.pauses).since.is_some()
    }

    /// Waits until the fit rests; may return before.
    pub async fn rests(&self) {
        self.rests.notified().await;
    }

    /// Rests while a pause is requested, then returns whether to end. For the thread of the fit.
    pub fn must_stop(&self) -> bool {
        if self.is_pausing() {
            self.rest();
        }
        self.is_stopping()
    }

    fn rest(&self) {
        let mut pauses = lock(&self.pauses);
        while self.is_pausing() && !self.is_stopping() {
            if pauses.since.is_none() {
                pauses.since = Some(Instant::now());
                self.rests.notify_one();
            }
            pauses = self.goes_on.wait(pauses).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(since) = pauses.since.take() {
            pauses.over += since.elapsed();
        }
    }

    /// Time since the claim, without pauses.
    pub fn worked(&self) -> Duration {
        let pauses = lock(&self.pauses);
        let until = pauses.since.unwrap_or_else(Instant::now);
        until.saturating_duration_since(self.created).saturating_sub(pauses.over)
    }

    /// Time since the first step, without pauses; `None` before it.
    pub fn trained(&self) -> Option<Duration> {
        self.started().map(|started| self.worked().saturating_sub(started.worked))
    }

    /// Requests the fit to end with the first epoch from `epoch` on, and to have a result.
    pub fn end_after(&self, epoch: Option<u32>) {
        self.last_epoch.store(epoch.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Set once [`Self::stop`] was called.
    pub fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    /// Ends work within it once [`Self::stop`] was called.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation::new(&self.cancelled)
    }

    /// Says how many trees, rounds or iterations there will be at most.
    pub fn set_total(&self, total: u32) {
        self.total.get_or_init(|| total);
    }

    /// How many trees, rounds or iterations there will be at most, once that is known.
    pub fn total(&self) -> Option<u32> {
        self.total.get().copied()
    }

    /// Requests the next step's progress.
    pub fn request_progress(&self) {
        self.requests.fetch_or(PROGRESS, Ordering::Release);
    }

    /// The requested progress, once it is reported.
    pub fn take_progress(&self) -> Option<Progress> {
        lock(&self.progress).take()
    }

    /// The next waiting epochs, at most `max`, and how many still wait.
    pub fn take_epochs(&self, max: usize) -> (Vec<Epoch>, usize) {
        let mut waiting = lock(&self.epochs);
        let count = max.min(waiting.len());
        let epochs = waiting.drain(..count).collect();
        self.drained.notify_all();
        (epochs, waiting.len())
    }

    /// The number of epochs that wait.
    pub fn waiting(&self) -> usize {
        lock(&self.epochs).len()
    }

    /// `None` before the first step.
    pub fn started(&self) -> Option<Started> {
        self.started.get().copied()
    }

    /// The event sink of a fit with this number of training rows, whose thread started when [`Self::worked`] was `began`.
    pub fn sink(&self, began: Duration, rows: usize) -> Sink<'_> {
        let (kept_epoch, tried_epoch) = (0, 0);
        Sink { link: self, began, rows, epoch_began: began, last_epoch: None, keeper: None, kept_epoch, tried_epoch }
    }
}

/// A fit's end of the link.
#[derive(Debug)]
pub struct Sink<'a> {
    link: &'a Link,
    began: Duration,
    rows: usize,
    epoch_began: Duration,
    /// How long the epoch before took.
    last_epoch: Option<Duration>,
    keeper: Option<Keeper>,
    /// The epochs of the last checkpoint, and of the last attempt at one.
    kept_epoch: u32,
    tried_epoch: u32,
}

impl Sink<'_> {
    /// The same, which keeps the state of the fit.
    pub fn keeping(self, keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    /// Whether the fit is to rest or to end, and does so with the epoch.
    fn ends_with_epoch(&self, progress: &Progress) -> bool {
        let is_asked = (self.link.is_pausing() || self.link.is_draining()) && !self.link.is_stopping();
        let is_due = self.keeper.as_ref().is_some_and(|keeper| keeper.is_due(true));
        if !is_asked || !is_due || progress.step == 0 {
            return false;
        }
        let left = progress.steps.saturating_sub(progress.step) as f64 / progress.step as f64;
        let elapsed = self.link.worked().saturating_sub(self.epoch_began);
        let near = if self.link.is_draining() { NEAR_END } else { NEAR };
        // On a busy machine the first steps say little.
        let is_short = elapsed <= near && self.last_epoch.is_some_and(|last| last <= near);
        is_short || elapsed.as_secs_f64() * left <= near.as_secs_f64()
    }

    fn check_stop(&self) -> ControlFlow<()> {
        if self.link.must_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl EventSink for Sink<'_> {
    fn begin(&mut self) {
        let worked = self.link.worked();
        let started = Started { worked, preparing: worked.saturating_sub(self.began), rows: self.rows };
        self.epoch_began = self.link.started.get_or_init(|| started).worked;
        if let Some(keeper) = &self.keeper {
            self.link.set_continued(keeper.after);
        }
    }

    fn ends_after(&self, epoch: u32) -> bool {
        epoch >= self.link.last_epoch.load(Ordering::Relaxed)
    }

    fn wants_best(&self) -> bool {
        true
    }

    #[inline]
    fn step(&mut self, progress: Progress) -> ControlFlow<()> {
        if self.link.requests.load(Ordering::Relaxed) == 0 {
            return ControlFlow::Continue(());
        }
        if self.link.requests.fetch_and(!PROGRESS, Ordering::AcqRel) & PROGRESS != 0 {
            *lock(&self.link.progress) = Some(progress);
        }
        if self.ends_with_epoch(&progress) {
            return ControlFlow::Continue(());
        }
        if self.link.is_draining() {
            self.link.stop();
        }
        self.check_stop()
    }

    fn state(&mut self, epoch: u32, state: &mut dyn FitState) {
        let link = self.link;
        let Some(keeper) = &mut self.keeper else { return };
        let is_asked = link.is_pausing() || link.is_draining();
        let waits = lock(&link.kept).is_some();
        if link.is_stopping() || (waits && !is_asked) || !keeper.is_due(is_asked) {
            return;
        }
        let began = link.worked();
        self.tried_epoch = epoch;
        if keeper.keep(epoch, state, &|| link.is_stopping()) {
            *lock(&link.kept) = Some(epoch);
            self.kept_epoch = epoch;
        }
        self.epoch_began += link.worked().saturating_sub(began);
    }

    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        let (number, ended, worked) = (report.epoch, Instant::now(), self.link.worked());
        let duration = worked.saturating_sub(std::mem::replace(&mut self.epoch_began, worked));
        self.last_epoch = Some(duration);
        let mut epochs = lock(&self.link.epochs);
        while epochs.len() >= MAX_WAITING && !self.link.is_stopping() {
            epochs = self.link.drained.wait(epochs).unwrap_or_else(PoisonError::into_inner);
        }
        epochs.push_back(Epoch { report, ended, duration });
        drop(epochs);
        if self.link.is_draining() && self.kept_epoch == number {
            self.link.stop();
        }
        // A pause that came after the state was due rests after the next epoch, with its state.
        let keeps = self.keeper.as_ref().is_some_and(|keeper| keeper.is_due(true));
        if keeps && duration <= NEAR && self.tried_epoch != number && !self.link.is_stopping() {
            return ControlFlow::Continue(());
        }
        self.check_stop()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
