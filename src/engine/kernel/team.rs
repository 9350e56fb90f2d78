//! [`Team`]: a thread pool that takes over parts of a fit or a prediction within microseconds.

#![allow(unsafe_code, reason = "work is lent to threads for the length of a call, and slices are range for them")]

use crate::engine::cancel::Cancellation;
use std::{
    any::Any,
    cell::UnsafeCell,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
        },
    },
    thread::{self, JoinHandle, Thread},
};

/// Worker threads for the thread that calls. The result never depends on which thread computes a part.
///
/// Handing over work costs about a microsecond while the workers are awake: they spin for a while after the last job,
/// then park. The caller computes parts too, and waits only for parts that a worker has begun. A caller that finds the
/// workers busy, or that is itself within a job, computes everything on its own thread. The workers end with the team.
#[derive(Debug, Default)]
pub struct Team(Option<Workers>);

#[derive(Debug)]
struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Whether a caller uses the workers.
    busy: AtomicBool,
    /// In the upper half how many parts the current job has, in the lower half a bit for each part that no thread has
    /// taken. The thread that clears a bit by compare-and-swap owns that part, and the job outlives it.
    parts: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    /// Unfinished parts of the current job.
    pending: AtomicU32,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// The thread that waits for the current job.
    caller: Mutex<Option<Thread>>,
    caller_sleeps: AtomicBool,
    /// By worker: whether it is parked.
    sleeps: Vec<AtomicBool>,
    quit: AtomicBool,
}

/// The work of a job, called with a thread's number and a part's; its lifetime is erased.
#[derive(Clone, Copy)]
struct Job(*const Work<'static>);

/// Called with the number of the calling thread, unique within a job, and an index.
type Work<'w> = dyn Fn(usize, usize) + Sync + 'w;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("workers", &self.sleeps.len()).finish_non_exhaustive()
    }
}

// SAFETY: `job` is written by the one caller that set `busy`, while no part is pending, and read by threads that own a
// pending part; the store to and the compare-and-swap on `parts` order the two. The other fields are Sync. The work is
// Sync, so that any thread may call it.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

/// Maximum parts of a job, a bit each.
const MAX_PARTS: usize = 32;
/// Spins before a thread parks: some fifty microseconds, or two hundred on a CPU with a long pause. Waking up takes as
/// long.
const SPINS: u32 = 4000;

impl Team {
    /// The calling thread alone.
    pub const ALONE: Self = Self(None);

    /// Workers for jobs on `threads` threads, including the calling one.
    pub fn new(threads: usize) -> Self {
        let workers = threads.clamp(1, MAX_PARTS) - 1;
        if workers == 0 {
            return Self::ALONE;
        }
        let shared = Arc::new(Shared {
            busy: AtomicBool::new(false),
            parts: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            pending: AtomicU32::new(0),
            panic: Mutex::new(None),
            caller: Mutex::new(None),
            caller_sleeps: AtomicBool::new(false),
            sleeps: (0..workers).map(|_| AtomicBool::new(false)).collect(),
            quit: AtomicBool::new(false),
        });
        // If the system refuses a thread, the others do the work.
        let start = |worker| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("compute".into()).spawn(move || shared.run_worker(worker)).ok()
        };
        let threads: Vec<_> = (0..workers).map_while(start).collect();
        Self((!threads.is_empty()).then_some(Workers { shared, threads }))
    }

    /// Threads, including the caller.
    pub fn threads(&self) -> usize {
        self.0.as_ref().map_or(1, |workers| workers.threads.len() + 1)
    }

    /// Calls `work` once for each item, on any thread. Neighbouring items tend to stay on one thread from call to call,
    /// so that their data stays in its caches.
    pub fn each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        let first = Pointer(items.as_mut_ptr());
        self.run(items.len(), &|_, index| {
            // SAFETY: `run` calls once for each index below the length, so that no item is borrowed twice, and returns
            // before the borrow of `items` ends.
            let item = unsafe { &mut *first.at(index) };
            work(index, item);
        });
    }

    /// Calls `work` once for each range, on any thread, with that range of every slice and with the thread's own state.
    /// A slice may be empty.
    ///
    /// # Panics
    /// If there are more threads than states in `own`, or if ranges are unordered, overlapping or out of bounds.
    pub fn blocks<S: Send, T: Send, const N: usize>(
        &self,
        ranges: &[Range<usize>],
        own: &mut [S],
        slices: [&mut [T]; N],
        work: impl Fn(usize, &mut S, [&mut [T]; N]) + Sync,
    ) {
        assert!(self.threads() <= own.len(), "one state per thread");
        let end = end_of(ranges);
        assert!(slices.iter().all(|slice| slice.is_empty() || end <= slice.len()), "ranges within slices");
        let own = Pointer(own.as_mut_ptr());
        let slices = slices.map(|slice| (Pointer(slice.as_mut_ptr()), slice.is_empty()));
        self.run(ranges.len(), &|thread, index| {
            let range = &ranges[index];
            // SAFETY: threads of one call of `run` have unique numbers, below the length, and call `work` one at a
            // time.
            let own = unsafe { &mut *own.at(thread) };
            let parts = std::array::from_fn(|slice| {
                let (first, empty) = &slices[slice];
                if *empty {
                    return &mut [][..];
                }
                // SAFETY: the range lies within the slice and overlaps no other; `run` calls once for each of them, and
                // returns before the borrow of the slices ends.
                unsafe { std::slice::from_raw_parts_mut(first.at(range.start), range.len()) }
            });
            work(index, own, parts);
        });
    }

    /// Calls `work` once for each item with that item's range of every slice, on any thread.
    ///
    /// # Panics
    /// If there is not one range per item, or if ranges are unordered, overlapping or out of bounds.
    pub fn zip_ranges<S: Send, T: Send, const N: usize>(
        &self,
        ranges: &[Range<usize>],
        items: &mut [S],
        slices: [&mut [T]; N],
        work: impl Fn(&mut S, [&mut [T]; N]) + Sync,
    ) {
        assert_eq!(ranges.len(), items.len(), "one range per item");
        let end = end_of(ranges);
        assert!(slices.iter().all(|slice| end <= slice.len()), "ranges within slices");
        let slices = slices.map(|slice| Pointer(slice.as_mut_ptr()));
        self.each(items, |index, item| {
            let range = &ranges[index];
            let parts = std::array::from_fn(|slice| {
                // SAFETY: the range lies within every slice and overlaps none of another item; `each` borrows an item
                // once, and returns before the borrow of the slices ends.
                unsafe { std::slice::from_raw_parts_mut(slices[slice].at(range.start), range.len()) }
            });
            work(item, parts);
        });
    }

    /// Calls `work` once for each index below `count`.
    fn run(&self, count: usize, work: &Work<'_>) {
        match &self.0 {
            Some(workers) if count > 1 && !workers.shared.busy.swap(true, Acquire) => {
                let panic = workers.run(count, work);
                workers.shared.busy.store(false, Release);
                if let Some(panic) = panic {
                    resume_unwind(panic);
                }
            }
            _ => (0..count).for_each(|index| work(0, index)),
        }
    }
}

/// The end of the last range; panics if ranges are unordered or overlap.
fn end_of(ranges: &[Range<usize>]) -> usize {
    ranges.iter().fold(0, |end, range| {
        assert!(end <= range.start && range.start <= range.end, "ordered ranges");
        range.end
    })
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.quit.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // Panics of the work are caught and handed to the caller: a worker itself never panics.
            let _ = thread.join();
        }
    }
}

impl Workers {
    /// As [`Team::run`], for the caller that set `busy`. Returns the payload of a panic.
    fn run(&self, count: usize, work: &Work<'_>) -> Option<Box<dyn Any + Send>> {
        let parts = count.min(MAX_PARTS);
        let indices = |part: usize| count * part / parts..count * (part + 1) / parts;
        let cancellation = Cancellation::current();
        let job: &Work<'_> = &|thread, part| {
            let perform = || indices(part).for_each(|index| work(thread, index));
            // The caller's own thread has it.
            if thread > 0 && cancellation.is_some() { cancellation.within(perform) } else { perform() }
        };
        let shared = &*self.shared;
        *shared.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
        // SAFETY: nothing is pending, so no thread reads `job`. Its lifetime is erased, but a thread that reads it owns
        // a part, and this call does not return (nor unwind) before every part is done.
        unsafe {
            *shared.job.get() = Some(Job(std::mem::transmute::<&Work<'_>, &'static Work<'static>>(job)));
        }
        shared.pending.store(parts as u32, Relaxed);
        shared.parts.store((parts as u64) << 32 | (u64::MAX >> (64 - parts)), SeqCst);
        for (thread, sleeps) in self.threads.iter().zip(&shared.sleeps) {
            if sleeps.swap(false, SeqCst) {
                thread.thread().unpark();
            }
        }
        while let Some(part) = shared.take(0) {
            shared.perform(0, part);
        }
        shared.wait();
        shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Shared {
    /// The loop of a worker thread.
    fn run_worker(&self, worker: usize) {
        loop {
            let mut spins = 0;
            while self.parts.load(Relaxed) as u32 == 0 {
                if self.quit.load(Relaxed) {
                    return;
                }
                spins += 1;
                if spins < SPINS {
                    std::hint::spin_loop();
                    continue;
                }
                // Announce the park first, then look again: a caller that adds work after this look sees the flag and
                // unparks this thread.
                self.sleeps[worker].store(true, SeqCst);
                if self.parts.load(SeqCst) as u32 == 0 && !self.quit.load(SeqCst) {
                    thread::park();
                }
                self.sleeps[worker].store(false, SeqCst);
                spins = 0;
            }
            while let Some(part) = self.take(worker + 1) {
                self.perform(worker + 1, part);
            }
        }
    }

    /// A part that no thread has taken. Thread `thread` begins looking at its own share of the parts.
    fn take(&self, thread: usize) -> Option<usize> {
        let mut now = self.parts.load(Acquire);
        loop {
            let (count, free) = ((now >> 32) as u32, now as u32);
            if free == 0 {
                return None;
            }
            let begin = count * thread as u32 / (self.sleeps.len() as u32 + 1);
            let part = (free.rotate_right(begin).trailing_zeros() + begin) % u32::BITS;
            match self.parts.compare_exchange_weak(now, now & !(1 << part), AcqRel, Acquire) {
                Ok(_) => return Some(part as usize),
                Err(other) => now = other,
            }
        }
    }

    /// Computes a part that thread `thread`, the calling one, owns.
    fn perform(&self, thread: usize, part: usize) {
        // SAFETY: this thread owns a part that is pending, so the job is there and the caller waits for it.
        let done = catch_unwind(AssertUnwindSafe(|| unsafe {
            if let Some(Job(job)) = *self.job.get() {
                (*job)(thread, part);
            }
        }));
        if let Err(panic) = done {
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
        // The thread that clears the flag must unpark the caller. If the caller has already seen that all is done, its
        // next wait receives the unpark, checks and parks again.
        if self.pending.fetch_sub(1, SeqCst) == 1
            && self.caller_sleeps.swap(false, SeqCst)
            && let Some(caller) = &*self.caller.lock().unwrap_or_else(PoisonError::into_inner)
        {
            caller.unpark();
        }
    }

    /// Waits until every part is done.
    fn wait(&self) {
        let mut spins = 0;
        while self.pending.load(Acquire) != 0 {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
                continue;
            }
            self.caller_sleeps.store(true, SeqCst);
            if self.pending.load(SeqCst) != 0 {
                thread::park();
            }
            self.caller_sleeps.store(false, SeqCst);
        }
    }
}

/// A pointer that threads may share, since each of them uses a different offset.
struct Pointer<T>(*mut T);

impl<T> Pointer<T> {
    fn at(&self, index: usize) -> *mut T {
        // The caller has checked `index`.
        self.0.wrapping_add(index)
    }
}

// SAFETY: only its address is shared; the data is borrowed by one thread at a time, and is Send.
unsafe impl<T: Send> Sync for Pointer<T> {}

#[cfg(test)]
mod tests;
