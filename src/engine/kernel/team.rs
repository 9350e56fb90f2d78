//! Threads that take over parts of a fit or of a prediction in microseconds.

#![allow(unsafe_code, reason = "work is lent to threads for the length of a call, and slices are cut for them")]

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

/// Helpers of whichever thread calls. What is computed never depends on which of them does it.
///
/// Handing over costs about a microsecond while the helpers are awake: they watch for work for a while after the last, and
/// then sleep. The caller takes part, and waits only for work that a helper has begun. Who calls while the helpers are
/// another's, or from within such work, does all of it alone. The helpers end with the team.
#[derive(Debug, Default)]
pub struct Team(Option<Crew>);

#[derive(Debug)]
struct Crew {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Whether the helpers work for somebody.
    busy: AtomicBool,
    /// How many parts the current job has, and in the lower half a bit for each of them that nobody has taken. Who
    /// clears a bit by compare-and-swap owns that part, and the job outlives it.
    parts: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    /// Parts of the current job that are not done.
    pending: AtomicU32,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Who waits for the current job.
    caller: Mutex<Option<Thread>>,
    caller_sleeps: AtomicBool,
    /// By helper.
    sleeps: Vec<AtomicBool>,
    quit: AtomicBool,
}

/// What to call with a thread's number and a part's, its lifetime erased.
#[derive(Clone, Copy)]
struct Job(*const Work<'static>);

/// What is called with the number of the thread that calls, of which no two have the same, and an index.
type Work<'w> = dyn Fn(usize, usize) + Sync + 'w;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("helpers", &self.sleeps.len()).finish_non_exhaustive()
    }
}

// SAFETY: `job` is written by the one caller who made the team busy, while no part is pending, and read by those who own a
// pending part of it; the store to and the compare-and-swap on `parts` order the two. The rest is Sync by itself. What is
// called is Sync, so that any thread may call it.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

/// Parts of a job that are told apart.
const MOST_PARTS: usize = 32;
/// Looks at the shared state before a thread goes to sleep: some fifty microseconds, or two hundred where a CPU pauses for
/// long. To wake up takes as long.
const SPINS: u32 = 4000;

impl Team {
    /// Nobody but the caller.
    pub const ALONE: Self = Self(None);

    /// Helpers for work on `threads` threads, the calling one among them.
    pub fn new(threads: usize) -> Self {
        let helpers = threads.clamp(1, MOST_PARTS) - 1;
        if helpers == 0 {
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
            sleeps: (0..helpers).map(|_| AtomicBool::new(false)).collect(),
            quit: AtomicBool::new(false),
        });
        // Where the system has no thread to give, those that there are do the work.
        let start = |helper| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("compute".into()).spawn(move || shared.help(helper)).ok()
        };
        let helpers: Vec<_> = (0..helpers).map_while(start).collect();
        Self((!helpers.is_empty()).then_some(Crew { shared, helpers }))
    }

    /// Threads, the caller among them.
    pub fn threads(&self) -> usize {
        self.0.as_ref().map_or(1, |crew| crew.helpers.len() + 1)
    }

    /// Calls `work` once for each item, on whichever thread. Neighbouring items tend to stay with one thread from call to
    /// call, so that what they hold stays in its caches.
    pub fn each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        let first = Pointer(items.as_mut_ptr());
        self.run(items.len(), &|_, index| {
            // SAFETY: `run` calls once for each index below the length, so that no item is lent twice, and returns
            // before the borrow of `items` ends.
            let item = unsafe { &mut *first.at(index) };
            work(index, item);
        });
    }

    /// Calls `work` once for each cut, with the same cut of every slice, on whichever thread, and with what that thread has
    /// for itself. A slice may be empty.
    ///
    /// # Panics
    /// Where threads are more than `own`, and where cuts are not in order, have cells in common or leave a slice.
    pub fn blocks<S: Send, T: Send, const N: usize>(
        &self,
        cuts: &[Range<usize>],
        own: &mut [S],
        slices: [&mut [T]; N],
        work: impl Fn(usize, &mut S, [&mut [T]; N]) + Sync,
    ) {
        assert!(self.threads() <= own.len(), "something for each thread");
        let end = end_of(cuts);
        assert!(slices.iter().all(|slice| slice.is_empty() || end <= slice.len()), "cuts within slices");
        let own = Pointer(own.as_mut_ptr());
        let slices = slices.map(|slice| (Pointer(slice.as_mut_ptr()), slice.is_empty()));
        self.run(cuts.len(), &|thread, index| {
            let cut = &cuts[index];
            // SAFETY: threads of one call of `run` have numbers of their own, below the length, and do one thing at a time.
            let own = unsafe { &mut *own.at(thread) };
            let parts = std::array::from_fn(|slice| {
                let (first, empty) = &slices[slice];
                if *empty {
                    return &mut [][..];
                }
                // SAFETY: the cut lies within the slice and has no cell in common with others; `run` calls once for each
                // of them, and returns before the borrow of the slices ends.
                unsafe { std::slice::from_raw_parts_mut(first.at(cut.start), cut.len()) }
            });
            work(index, own, parts);
        });
    }

    /// Calls `work` once for each item with that item's cut of every slice, on whichever thread.
    ///
    /// # Panics
    /// Where there is not one cut an item, and where cuts are not in order, have cells in common or leave a slice.
    pub fn cuts<S: Send, T: Send, const N: usize>(
        &self,
        cuts: &[Range<usize>],
        items: &mut [S],
        slices: [&mut [T]; N],
        work: impl Fn(&mut S, [&mut [T]; N]) + Sync,
    ) {
        assert_eq!(cuts.len(), items.len(), "one cut an item");
        let end = end_of(cuts);
        assert!(slices.iter().all(|slice| end <= slice.len()), "cuts within slices");
        let slices = slices.map(|slice| Pointer(slice.as_mut_ptr()));
        self.each(items, |index, item| {
            let cut = &cuts[index];
            let parts = std::array::from_fn(|slice| {
                // SAFETY: the cut lies within every slice and has no cell in common with those of other items; `each`
                // lends an item once, and returns before the borrow of the slices ends.
                unsafe { std::slice::from_raw_parts_mut(slices[slice].at(cut.start), cut.len()) }
            });
            work(item, parts);
        });
    }

    /// Calls `work` once for each index below `count`.
    fn run(&self, count: usize, work: &Work<'_>) {
        match &self.0 {
            Some(crew) if count > 1 && !crew.shared.busy.swap(true, Acquire) => {
                let panic = crew.run(count, work);
                crew.shared.busy.store(false, Release);
                if let Some(panic) = panic {
                    resume_unwind(panic);
                }
            }
            _ => (0..count).for_each(|index| work(0, index)),
        }
    }
}

/// Where cuts end, which are in order and have no cell in common.
fn end_of(cuts: &[Range<usize>]) -> usize {
    cuts.iter().fold(0, |end, cut| {
        assert!(end <= cut.start && cut.start <= cut.end, "cuts in order");
        cut.end
    })
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.quit.store(true, SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // What a helper runs is caught and handed to the caller: it never panics itself.
            let _ = helper.join();
        }
    }
}

impl Crew {
    /// As [`Team::run`], for who made the team busy. Answers what the work panicked with.
    fn run(&self, count: usize, work: &Work<'_>) -> Option<Box<dyn Any + Send>> {
        let parts = count.min(MOST_PARTS);
        let indices = |part: usize| count * part / parts..count * (part + 1) / parts;
        let job: &Work<'_> = &|thread, part| indices(part).for_each(|index| work(thread, index));
        let shared = &*self.shared;
        *shared.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
        // SAFETY: nothing is pending, so nobody reads `job`. Its lifetime is erased, but whoever reads it owns a part
        // of it, and this call does not return (nor unwind) before every part is done.
        unsafe {
            *shared.job.get() = Some(Job(std::mem::transmute::<&Work<'_>, &'static Work<'static>>(job)));
        }
        shared.pending.store(parts as u32, Relaxed);
        shared.parts.store((parts as u64) << 32 | (u64::MAX >> (64 - parts)), SeqCst);
        for (helper, sleeps) in self.helpers.iter().zip(&shared.sleeps) {
            if sleeps.swap(false, SeqCst) {
                helper.thread().unpark();
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
    /// A helper's life.
    fn help(&self, helper: usize) {
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
                // Say so first and look once more then: whoever brings work after this look sees it and wakes us.
                self.sleeps[helper].store(true, SeqCst);
                if self.parts.load(SeqCst) as u32 == 0 && !self.quit.load(SeqCst) {
                    thread::park();
                }
                self.sleeps[helper].store(false, SeqCst);
                spins = 0;
            }
            while let Some(part) = self.take(helper + 1) {
                self.perform(helper + 1, part);
            }
        }
    }

    /// A part that is nobody's yet. Thread `thread` begins looking at its own share of the parts.
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

    /// Does a part that thread `thread`, the calling one, owns.
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
        // Who puts the flag down owes a wake-up. Where the caller has seen for itself that all is done, the next one gets
        // it, looks around and sleeps on.
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

/// A pointer that threads may share, since each of them goes to another place.
struct Pointer<T>(*mut T);

impl<T> Pointer<T> {
    fn at(&self, index: usize) -> *mut T {
        // The caller's bounds hold for `index`; see there.
        self.0.wrapping_add(index)
    }
}

// SAFETY: only its address is shared; what it points to is lent to one thread at a time, and is Send.
unsafe impl<T: Send> Sync for Pointer<T> {}

#[cfg(test)]
mod tests;
