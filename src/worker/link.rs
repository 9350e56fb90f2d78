//! [`Link`]: reports from the thread that fits to the task that records, without either waiting for the other, except while the job is
//! paused.

use crate::engine::{
    cancel::Cancellation,
    fit::{EpochReport, EventSink, Progress},
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
        Sink { link: self, began, rows, epoch_began: began }
    }
}

/// A fit's end of the link.
#[derive(Debug)]
pub struct Sink<'a> {
    link: &'a Link,
    began: Duration,
    rows: usize,
    epoch_began: Duration,
}

impl Sink<'_> {
    fn check_stop(&self) -> ControlFlow<()> {
        if self.link.must_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl EventSink for Sink<'_> {
    fn begin(&mut self) {
        let worked = self.link.worked();
        let started = Started { worked, preparing: worked.saturating_sub(self.began), rows: self.rows };
        self.epoch_began = self.link.started.get_or_init(|| started).worked;
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
        self.check_stop()
    }

    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        let (ended, worked) = (Instant::now(), self.link.worked());
        let duration = worked.saturating_sub(std::mem::replace(&mut self.epoch_began, worked));
        let mut epochs = lock(&self.link.epochs);
        while epochs.len() >= MAX_WAITING && !self.link.is_stopping() {
            epochs = self.link.drained.wait(epochs).unwrap_or_else(PoisonError::into_inner);
        }
        epochs.push_back(Epoch { report, ended, duration });
        drop(epochs);
        self.check_stop()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(step: usize) -> Progress {
        Progress { epoch: 1, step, steps: 10, loss: 0.5 }
    }

    fn begun(link: &Link) -> Sink<'_> {
        let mut sink = link.sink(link.worked(), 1);
        sink.begin();
        sink
    }

    #[test]
    fn a_fit_has_not_started_before_its_first_step() {
        let link = Link::default();
        let began = link.worked();
        let mut sink = link.sink(began, 7);
        assert!(link.started().is_none() && link.trained().is_none());
        sink.begin();
        let Started { worked, preparing, rows } = link.started().unwrap();
        assert_eq!((worked - began, rows), (preparing, 7));
    }

    fn report(epoch: u32) -> EpochReport {
        EpochReport { epoch, logs: vec![("loss".to_owned(), 0.5)], learning_rate: 0.1, best_epoch: epoch }
    }

    #[test]
    fn progress_is_given_once_for_each_time_it_is_wanted() {
        let link = Link::default();
        let mut sink = begun(&link);
        assert!(sink.step(progress(1)).is_continue());
        assert_eq!(link.take_progress(), None);
        link.request_progress();
        assert!(sink.step(progress(2)).is_continue());
        assert!(sink.step(progress(3)).is_continue());
        assert_eq!(link.take_progress(), Some(progress(2)));
        assert_eq!(link.take_progress(), None);
    }

    #[test]
    fn a_stop_is_seen_at_the_next_step_and_the_next_epoch() {
        let link = Link::default();
        let mut sink = begun(&link);
        link.stop();
        assert!(sink.step(progress(1)).is_break());
        assert!(sink.step(progress(2)).is_break(), "and stays");
        assert!(sink.epoch(report(1)).is_break());
        assert_eq!(link.take_epochs(9).0.len(), 1, "the epoch that ended is kept");
    }

    #[test]
    fn epochs_come_in_order_and_last_as_long_as_the_fit() {
        let link = Link::default();
        let mut sink = begun(&link);
        for epoch in 1..=3 {
            assert!(sink.epoch(report(epoch)).is_continue());
        }
        let (mut epochs, left) = link.take_epochs(2);
        assert_eq!((epochs.len(), left), (2, 1));
        epochs.extend(link.take_epochs(2).0);
        assert_eq!(epochs.iter().map(|epoch| epoch.report.epoch).collect::<Vec<_>>(), [1, 2, 3]);
        let whole = link.trained().unwrap();
        assert!(epochs.iter().map(|epoch| epoch.duration).sum::<Duration>() <= whole);
    }

    #[test]
    fn a_fit_rests_at_a_step_and_its_time_stands_still() {
        let link = Link::default();
        begun(&link);
        link.pause();
        std::thread::scope(|scope| {
            let fit = scope.spawn(|| {
                let mut sink = begun(&link);
                let flow = sink.step(progress(1));
                (flow.is_continue(), sink.epoch(report(1)).is_continue())
            });
            while !link.is_resting() {
                std::thread::yield_now();
            }
            let before = link.trained().unwrap();
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!((link.trained().unwrap(), link.waiting()), (before, 0));
            link.resume();
            assert_eq!(fit.join().unwrap(), (true, true));
        });
        let (epoch, trained) = (link.take_epochs(1).0.remove(0), link.trained().unwrap());
        assert!(epoch.duration <= trained && trained + Duration::from_millis(50) <= link.created.elapsed());
        assert!(!link.is_resting());
    }

    #[test]
    fn a_fit_that_rests_is_stopped() {
        let link = Link::default();
        link.pause();
        std::thread::scope(|scope| {
            let fit = scope.spawn(|| begun(&link).epoch(report(1)).is_break());
            while !link.is_resting() {
                std::thread::yield_now();
            }
            link.stop();
            assert!(fit.join().unwrap());
        });
        assert!(link.must_stop(), "a pause does not hold what is to end");
    }

    #[test]
    fn a_fit_ends_after_the_requested_epoch() {
        let link = Link::default();
        let sink = begun(&link);
        assert!(!sink.ends_after(7));
        link.end_after(Some(7));
        assert_eq!([6, 7, 8].map(|epoch| sink.ends_after(epoch)), [false, true, true]);
        link.end_after(None);
        assert!(!sink.ends_after(8));
    }

    #[test]
    fn a_fit_that_outruns_the_recorder_waits_and_loses_nothing() {
        let link = Link::default();
        let epochs = MAX_WAITING as u32 + 10;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut sink = begun(&link);
                for epoch in 1..=epochs {
                    assert!(sink.epoch(report(epoch)).is_continue());
                }
            });
            let mut seen = 0;
            while seen < epochs {
                for epoch in link.take_epochs(1000).0 {
                    seen += 1;
                    assert_eq!(epoch.report.epoch, seen);
                }
                std::thread::yield_now();
            }
        });
    }
}
