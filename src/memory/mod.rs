//! Admission control for memory: every job, prediction, preview and body reserves what it will take before it takes it.
//!
//! The sum of all reservations stays under one total. Who needs more than the total is refused for good; who needs more than is free
//! waits a moment, and is then asked to come again.

mod machine;

pub use machine::default_total;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Makes room by giving up what is kept for speed alone.
type Reclaim = Box<dyn Fn() + Send + Sync>;

/// The memory of the process that reservations share.
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

struct Shared {
    total: u64,
    reserved: Mutex<u64>,
    released: Notify,
    reclaim: Mutex<Vec<Reclaim>>,
}

/// Why there is no reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than the total.
    #[error("expected to need at most {total} bytes of memory, needs {needed}")]
    TooLarge {
        /// Bytes.
        needed: u64,
        /// Bytes.
        total: u64,
    },
    /// More than is free now.
    #[error("{needed} bytes of memory are needed, of which {free} are free now")]
    Busy {
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },
}

impl Memory {
    /// Memory of `total` bytes.
    pub fn new(total: u64) -> Self {
        Self(Arc::new(Shared { total, reserved: Mutex::default(), released: Notify::new(), reclaim: Mutex::default() }))
    }

    /// All bytes.
    pub fn total(&self) -> u64 {
        self.0.total
    }

    /// Reserved bytes.
    pub fn reserved(&self) -> u64 {
        *lock(&self.0.reserved)
    }

    /// Calls `reclaim` whenever a reservation finds too little room, before it waits.
    pub fn when_short(&self, reclaim: impl Fn() + Send + Sync + 'static) {
        lock(&self.0.reclaim).push(Box::new(reclaim));
    }

    /// Nothing yet, to [`Reservation::grow`].
    pub fn nothing(&self) -> Reservation {
        Reservation { memory: self.clone(), bytes: 0 }
    }

    /// Reserves `bytes` at once, or not at all.
    pub fn try_reserve(&self, bytes: u64) -> Result<Reservation, Refusal> {
        self.take(bytes).map(|()| Reservation { memory: self.clone(), bytes })
    }

    /// Reserves `bytes`; waits up to `patience` for room.
    pub async fn reserve(&self, bytes: u64, patience: Duration) -> Result<Reservation, Refusal> {
        let mut reservation = self.nothing();
        reservation.grow(bytes, patience).await.map(|()| reservation)
    }

    fn take(&self, bytes: u64) -> Result<(), Refusal> {
        let Shared { total, ref reserved, .. } = *self.0;
        if bytes > total {
            return Err(Refusal::TooLarge { needed: bytes, total });
        }
        let mut reserved = lock(reserved);
        let free = total.saturating_sub(*reserved);
        if bytes > free {
            return Err(Refusal::Busy { needed: bytes, free });
        }
        *reserved += bytes;
        Ok(())
    }

    fn release(&self, bytes: u64) {
        let mut reserved = lock(&self.0.reserved);
        *reserved = reserved.saturating_sub(bytes);
        drop(reserved);
        self.0.released.notify_waiters();
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Memory")
            .field("total", &self.total())
            .field("reserved", &self.reserved())
            .finish_non_exhaustive()
    }
}

/// Reserved bytes, which are free again when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: Memory,
    bytes: u64,
}

impl Reservation {
    /// Bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reserves `more` bytes; waits up to `patience` for room.
    pub async fn grow(&mut self, more: u64, patience: Duration) -> Result<(), Refusal> {
        let until = tokio::time::Instant::now() + patience;
        let memory = self.memory.clone();
        if self.bytes.saturating_add(more) > memory.total() {
            return Err(Refusal::TooLarge { needed: self.bytes.saturating_add(more), total: memory.total() });
        }
        let mut asked = false;
        loop {
            // Registered before the attempt, so that no release in between is missed.
            let released = memory.0.released.notified();
            let mut released = std::pin::pin!(released);
            released.as_mut().enable();
            match memory.take(more) {
                Ok(()) => {
                    self.bytes += more;
                    return Ok(());
                }
                Err(refusal @ Refusal::TooLarge { .. }) => return Err(refusal),
                Err(Refusal::Busy { .. }) if !std::mem::replace(&mut asked, true) => {
                    lock(&memory.0.reclaim).iter().for_each(|reclaim| reclaim());
                }
                Err(refusal) => {
                    if tokio::time::timeout_at(until, released).await.is_err() {
                        return Err(refusal);
                    }
                }
            }
        }
    }

    /// Releases what is above `bytes`.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.memory.release(surplus);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.release(self.bytes);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const AT_ONCE: Duration = Duration::ZERO;

    #[tokio::test]
    async fn reservations_share_the_total_and_give_back_what_they_had() {
        let memory = Memory::new(100);
        let first = memory.reserve(60, AT_ONCE).await.unwrap();
        assert_eq!(memory.try_reserve(41).unwrap_err(), Refusal::Busy { needed: 41, free: 40 });
        assert_eq!(memory.try_reserve(101).unwrap_err(), Refusal::TooLarge { needed: 101, total: 100 });
        drop(first);
        let mut second = memory.try_reserve(100).unwrap();
        second.shrink_to(30);
        assert_eq!((memory.reserved(), second.bytes()), (30, 30));
        assert_eq!(second.grow(71, AT_ONCE).await, Err(Refusal::TooLarge { needed: 101, total: 100 }));
        second.grow(70, AT_ONCE).await.unwrap();
        drop(second);
        assert_eq!(memory.reserved(), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_released() {
        let memory = Memory::new(10);
        let held = memory.try_reserve(10).unwrap();
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.reserve(5, Duration::from_secs(60)).await.unwrap().bytes() }
        });
        tokio::task::yield_now().await;
        drop(held);
        assert_eq!(waiting.await.unwrap(), 5);
        assert_eq!(memory.reserved(), 0);
    }

    #[tokio::test]
    async fn what_is_kept_for_speed_yields() {
        let memory = Memory::new(10);
        let kept = Mutex::new(Some(memory.try_reserve(8).unwrap()));
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        memory.when_short(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            lock(&kept).take();
        });
        assert!(memory.reserve(2, AT_ONCE).await.is_ok());
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert!(memory.reserve(9, AT_ONCE).await.is_ok());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
