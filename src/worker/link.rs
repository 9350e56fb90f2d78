//! [`Link`]: reports from the thread that fits to the slot that records, without either waiting for the other.

use crate::engine::{
    cancel::Cancellation,
    fit::{EpochReport, EventSink, Progress},
};
use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

/// Maximum number of epochs that wait to be recorded, to bound memory. A fit that is faster than the database by this much
/// waits.
const MAX_WAITING: usize = 1 << 16;

const STOP: u8 = 1;
const PROGRESS: u8 = 2;

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
    /// The time of the first step.
    pub at: Instant,
    /// Time from the claim to the first step.
    pub preparing: Duration,
    /// Number of training rows.
    pub rows: usize,
}

/// What the thread and the slot share.
#[derive(Debug, Default)]
pub struct Link {
    /// Flags that the slot sets. A step reads them with one load.
    requests: AtomicU8,
    started: OnceLock<Started>,
    epochs: Mutex<VecDeque<Epoch>>,
    drained: Condvar,
    progress: Mutex<Option<Progress>>,
    /// How many trees, rounds or iterations the fit of a classical model has at most.
    total: OnceLock<u32>,
    /// As the flag in `requests`, for what looks within a step.
    cancelled: Arc<AtomicBool>,
}

impl Link {
    /// Requests the work to end early.
    pub fn stop(&self) {
        self.requests.fetch_or(STOP, Ordering::Release);
        self.cancelled.store(true, Ordering::Release);
        self.drained.notify_all();
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
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

    /// The event sink of a fit with this number of training rows, in a job claimed at `claimed`.
    pub fn sink(&self, claimed: Instant, rows: usize) -> Sink<'_> {
        Sink { link: self, claimed, rows, epoch_began: claimed }
    }
}

/// A fit's end of the link.
#[derive(Debug)]
pub struct Sink<'a> {
    link: &'a Link,
    claimed: Instant,
    rows: usize,
    epoch_began: Instant,
}

impl Sink<'_> {
    fn check_stop(&self) -> ControlFlow<()> {
        if self.link.is_stopping() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl EventSink for Sink<'_> {
    fn begin(&mut self) {
        let at = Instant::now();
        let started = Started { at, preparing: at - self.claimed, rows: self.rows };
        self.epoch_began = self.link.started.get_or_init(|| started).at;
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
        let ended = Instant::now();
        let duration = ended - std::mem::replace(&mut self.epoch_began, ended);
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
        let mut sink = link.sink(Instant::now(), 1);
        sink.begin();
        sink
    }

    #[test]
    fn a_fit_has_not_started_before_its_first_step() {
        let link = Link::default();
        let claimed = Instant::now();
        let mut sink = link.sink(claimed, 7);
        assert!(link.started().is_none());
        sink.begin();
        let Started { at, preparing, rows } = link.started().unwrap();
        assert_eq!((at - claimed, rows), (preparing, 7));
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
        let whole = epochs[2].ended - link.started().unwrap().at;
        assert_eq!(epochs.iter().map(|epoch| epoch.duration).sum::<Duration>(), whole);
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
