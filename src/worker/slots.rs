//! [`Slots`]: how many jobs compute at a time.

use crate::worker::fit_thread::FitThread;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The slots of a service, and the threads of their fits.
///
/// A job has a [`Slot`] from its claim to its end, except while it is paused. One that is resumed goes before those that are claimed.
/// A job that waits for memory keeps its slot from other claims, and leaves it to jobs that are resumed: these have the memory that it
/// waits for.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total: usize,
    used: Mutex<Used>,
    changed: Notify,
    idle: Mutex<Vec<FitThread>>,
}

#[derive(Debug, Default)]
struct Used {
    /// Jobs with a slot.
    taken: usize,
    /// Those of them that do not wait for memory.
    computing: usize,
    /// Jobs that were resumed and wait for a slot.
    resumed: usize,
}

impl Slots {
    /// As many slots.
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Shared { total, used: Mutex::default(), changed: Notify::new(), idle: Mutex::default() }))
    }

    /// A slot for a job that is to be claimed.
    pub async fn for_claim(&self) -> Slot {
        let total = self.0.total;
        self.when(|used| {
            let is_free = used.taken < total && used.computing < total && used.resumed == 0;
            used.taken += usize::from(is_free);
            used.computing += usize::from(is_free);
            is_free
        })
        .await;
        Slot { slots: self.clone(), computes: true }
    }

    /// A slot for a job that was paused.
    pub async fn for_resumed(&self) -> Slot {
        lock(&self.0.used).resumed += 1;
        let _waiting = Waiting(self);
        let total = self.0.total;
        self.when(|used| {
            let is_free = used.computing < total;
            used.taken += usize::from(is_free);
            used.computing += usize::from(is_free);
            is_free
        })
        .await;
        Slot { slots: self.clone(), computes: true }
    }

    /// Waits until `take` could take something.
    async fn when(&self, mut take: impl FnMut(&mut Used) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            // Registered before the attempt, so that no change in between is missed.
            changed.as_mut().enable();
            if take(&mut lock(&self.0.used)) {
                return;
            }
            changed.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Used)) {
        change(&mut lock(&self.0.used));
        self.0.changed.notify_waiters();
    }

    /// A thread that fits nothing now.
    pub fn thread(&self) -> FitThread {
        lock(&self.0.idle).pop().unwrap_or_default()
    }

    /// Keeps a thread whose fit has ended, unless there are enough.
    pub fn keep(&self, thread: FitThread) {
        let mut idle = lock(&self.0.idle);
        if idle.len() < self.0.total {
            idle.push(thread);
        }
    }
}

/// Counts as resumed until it is dropped.
struct Waiting<'a>(&'a Slots);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.change(|used| used.resumed -= 1);
    }
}

/// One of the slots, which is free again when this is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Slots,
    computes: bool,
}

impl Slot {
    /// The job waits for memory from now on.
    pub fn wait_for_memory(&mut self) {
        if std::mem::take(&mut self.computes) {
            self.slots.change(|used| used.computing -= 1);
        }
    }

    /// The job has its memory: waits until no job that was resumed has the slot.
    pub async fn compute(&mut self) {
        if self.computes {
            return;
        }
        let total = self.slots.0.total;
        self.slots
            .when(|used| {
                let is_free = used.computing < total;
                used.computing += usize::from(is_free);
                is_free
            })
            .await;
        self.computes = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let computes = self.computes;
        self.slots.change(|used| {
            used.taken -= 1;
            used.computing -= usize::from(computes);
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn there_are_as_many_slots_as_were_made() {
        let slots = Slots::new(2);
        let (first, _second) = (slots.for_claim().await, slots.for_claim().await);
        let mut third = std::pin::pin!(slots.for_claim());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_resumed_job_goes_before_a_claim() {
        let slots = Slots::new(1);
        let slot = slots.for_claim().await;
        let mut claim = std::pin::pin!(slots.for_claim());
        let mut resumed = std::pin::pin!(slots.for_resumed());
        assert!(claim.as_mut().now_or_never().is_none() && resumed.as_mut().now_or_never().is_none());
        drop(slot);
        assert!(claim.as_mut().now_or_never().is_none());
        let slot = resumed.now_or_never().unwrap();
        assert!(claim.as_mut().now_or_never().is_none());
        drop(slot);
        assert!(claim.now_or_never().is_some());
    }

    #[tokio::test]
    async fn one_that_waits_no_longer_holds_nobody_up() {
        let slots = Slots::new(1);
        let slot = slots.for_claim().await;
        assert!(slots.for_resumed().now_or_never().is_none());
        drop(slot);
        assert!(slots.for_claim().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_job_that_waits_for_memory_leaves_its_slot_to_those_that_are_resumed() {
        let slots = Slots::new(1);
        let mut waiting = slots.for_claim().await;
        waiting.wait_for_memory();
        assert!(slots.for_claim().now_or_never().is_none());
        let resumed = slots.for_resumed().now_or_never().unwrap();
        assert!(waiting.compute().now_or_never().is_none());
        drop(resumed);
        assert!(waiting.compute().now_or_never().is_some());
        assert!(slots.for_resumed().now_or_never().is_none());
        drop(waiting);
        assert!(slots.for_claim().now_or_never().is_some());
    }

    #[test]
    fn threads_are_kept_up_to_the_number_of_slots() {
        let slots = Slots::new(1);
        for _ in 0..3 {
            slots.keep(FitThread::default());
        }
        assert_eq!(lock(&slots.0.idle).len(), 1);
    }
}
