//! Threads that live as long as a fit or a large prediction, and take over work in microseconds.

#![allow(unsafe_code, reason = "work is lent to threads for the length of a call, and slices are cut for them")]

use std::{
    any::Any,
    cell::UnsafeCell,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
        },
    },
    thread::{self, Thread},
};

/// A calling thread and its helpers. What is computed never depends on which of them does it.
///
/// Handing over costs about a microsecond while the helpers are awake: they watch for work for some ten microseconds
/// after the last, and then sleep. The caller takes part, and waits only for work that a helper has begun.
#[derive(Debug)]
pub struct Team<'t> {
    shared: &'t Shared,
    helpers: &'t [Thread],
}

struct Shared {
    /// How many parts the current job has, and in the lower half a bit for each of them that nobody has taken. Who
    /// clears a bit by compare-and-swap owns that part, and the job outlives it.
    parts: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    /// Parts of the current job that are not done.
    pending: AtomicU32,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    caller: Thread,
    caller_sleeps: AtomicBool,
    /// By helper.
    sleeps: Vec<AtomicBool>,
    quit: AtomicBool,
}

/// What to call with a part's number, its lifetime erased.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn(usize) + Sync));

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("helpers", &self.sleeps.len()).finish_non_exhaustive()
    }
}

// SAFETY: `job` is written by the caller alone, while no part is pending, and read by those who own a pending part of
// it; the store to and the compare-and-swap on `parts` order the two. The rest is Sync by itself.
unsafe impl Sync for Shared {}

/// Parts of a job that are told apart.
const MOST_PARTS: usize = 32;
/// Looks at the shared state before a thread goes to sleep: some ten microseconds.
const SPINS: u32 = 400;

/// Runs `body` with a team of `threads` threads, the calling one among them; the others end with it.
pub fn with_team<R>(threads: usize, body: impl FnOnce(&Team<'_>) -> R) -> R {
    let helpers = threads.clamp(1, MOST_PARTS) - 1;
    let shared = Shared {
        parts: AtomicU64::new(0),
        job: UnsafeCell::new(None),
        pending: AtomicU32::new(0),
        panic: Mutex::new(None),
        caller: thread::current(),
        caller_sleeps: AtomicBool::new(false),
        sleeps: (0..helpers).map(|_| AtomicBool::new(false)).collect(),
        quit: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        // Where the system has no thread to give, those that there are do the work.
        let start = |helper| {
            let shared = &shared;
            thread::Builder::new().name("compute".into()).spawn_scoped(scope, move || shared.help(helper)).ok()
        };
        let helpers: Vec<Thread> = (0..helpers).map_while(start).map(|handle| handle.thread().clone()).collect();
        let team = Team { shared: &shared, helpers: &helpers };
        let _dismiss = Dismiss(&team);
        body(&team)
    })
}

/// Lets the helpers go, also when the caller panics: the scope waits for them.
struct Dismiss<'a>(&'a Team<'a>);

impl Drop for Dismiss<'_> {
    fn drop(&mut self) {
        self.0.shared.quit.store(true, SeqCst);
        self.0.helpers.iter().for_each(Thread::unpark);
    }
}

impl Team<'_> {
    /// Threads, the caller among them.
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Calls `work` once for each item, on whichever thread. Neighbouring items tend to stay with one thread from call to
    /// call, so that what they hold stays in its caches.
    pub fn each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        let first = Pointer(items.as_mut_ptr());
        self.run(items.len(), &|index| {
            // SAFETY: `run` calls once for each index below the length, so that no item is lent twice, and returns
            // before the borrow of `items` ends.
            let item = unsafe { &mut *first.at(index) };
            work(index, item);
        });
    }

    /// Cuts `cells` cells into ranges of at least `grain`, and calls `work` with each range and the same cut of every
    /// slice. A slice is as long as `cells`, or empty.
    ///
    /// # Panics
    /// Where a slice has another length.
    pub fn ranges<T: Send, const N: usize>(
        &self,
        cells: usize,
        grain: usize,
        slices: [&mut [T]; N],
        work: impl Fn(Range<usize>, [&mut [T]; N]) + Sync,
    ) {
        // Whole cache lines, so that no two threads write to one.
        const LINE: usize = 32;
        assert!(slices.iter().all(|slice| slice.is_empty() || slice.len() == cells), "lengths of slices");
        let parts = (cells / grain.max(1)).clamp(1, MOST_PARTS.min(4 * self.threads()));
        let step = cells.div_ceil(parts).next_multiple_of(LINE).max(LINE);
        let slices = slices.map(|slice| (Pointer(slice.as_mut_ptr()), slice.is_empty()));
        self.run(cells.div_ceil(step), &|part| {
            let range = part * step..cells.min((part + 1) * step);
            let cut = std::array::from_fn(|slice| {
                let (first, empty) = &slices[slice];
                if *empty {
                    return &mut [][..];
                }
                // SAFETY: ranges of different parts have nothing in common and end by `cells`, the slice's length;
                // `run` calls once for each part, and returns before the borrow of the slices ends.
                unsafe { std::slice::from_raw_parts_mut(first.at(range.start), range.len()) }
            });
            work(range, cut);
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
        let end = cuts.iter().fold(0, |end, cut| {
            assert!(end <= cut.start && cut.start <= cut.end, "cuts in order");
            cut.end
        });
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
    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        if self.helpers.is_empty() || count <= 1 {
            (0..count).for_each(work);
            return;
        }
        let parts = count.min(MOST_PARTS);
        let part = |part: usize| (count * part / parts..count * (part + 1) / parts).for_each(work);
        let job: &(dyn Fn(usize) + Sync) = &part;
        let shared = self.shared;
        // SAFETY: nothing is pending, so nobody reads `job`. Its lifetime is erased, but whoever reads it owns a part
        // of it, and this call does not return (nor unwind) before every part is done.
        unsafe {
            *shared.job.get() =
                Some(Job(std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(job)))
        };
        shared.pending.store(parts as u32, Relaxed);
        shared.parts.store((parts as u64) << 32 | (u64::MAX >> (64 - parts)), SeqCst);
        for (helper, sleeps) in self.helpers.iter().zip(&shared.sleeps) {
            if sleeps.swap(false, SeqCst) {
                helper.unpark();
            }
        }
        while let Some(part) = shared.take(0) {
            shared.perform(part);
        }
        shared.wait();
        let panic = shared.panic.lock().ok().and_then(|mut panic| panic.take());
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
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
                self.perform(part);
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

    /// Does a part that this thread owns.
    fn perform(&self, part: usize) {
        // SAFETY: this thread owns a part that is pending, so the job is there and the caller waits for it.
        let done = catch_unwind(AssertUnwindSafe(|| unsafe {
            if let Some(Job(job)) = *self.job.get() {
                (*job)(part);
            }
        }));
        if let (Err(panic), Ok(mut first)) = (done, self.panic.lock()) {
            first.get_or_insert(panic);
        }
        if self.pending.fetch_sub(1, SeqCst) == 1 && self.caller_sleeps.swap(false, SeqCst) {
            self.caller.unpark();
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
mod tests {
    use super::*;

    #[test]
    fn every_item_is_visited_once_whatever_the_threads() {
        for threads in [1, 2, 4] {
            with_team(threads, |team| {
                for count in [0, 1, 2, 3, 31, 32, 33, 1000] {
                    let mut visits = vec![0; count];
                    for round in 1..=50 {
                        team.each(&mut visits, |index, visits| *visits += index + 1);
                        let expected: Vec<_> = (0..count).map(|index| round * (index + 1)).collect();
                        assert_eq!(visits, expected);
                    }
                }
            });
        }
    }

    #[test]
    fn ranges_cover_every_cell_once_and_leave_empty_slices_empty() {
        with_team(3, |team| {
            for cells in [0, 1, 31, 32, 1000, 12_345] {
                let mut a = vec![1; cells];
                let mut b: Vec<usize> = (0..cells).collect();
                team.ranges(cells, 10, [&mut a, &mut b, &mut []], |range, [a, b, none]| {
                    assert!(none.is_empty() && range.len() == a.len());
                    for ((index, a), b) in range.zip(a).zip(b) {
                        *a += *b;
                        *b -= index;
                    }
                });
                assert_eq!(a, (1..=cells).collect::<Vec<_>>());
                assert!(b.iter().all(|&b| b == 0));
            }
        });
    }

    #[test]
    fn every_item_gets_its_own_cut() {
        with_team(3, |team| {
            let (mut sums, mut cells) = (vec![0; 3], (0..10).collect::<Vec<usize>>());
            team.cuts(&[0..2, 2..2, 5..10], &mut sums, [&mut cells], |sum, [cells]| {
                *sum = cells.iter().sum();
                cells.fill(0);
            });
            assert_eq!((sums, cells), (vec![1, 0, 35], vec![0, 0, 2, 3, 4, 0, 0, 0, 0, 0]));
        });
    }

    #[test]
    fn helpers_that_slept_wake_up() {
        with_team(2, |team| {
            let helped = AtomicBool::new(false);
            for _ in 0..200 {
                thread::sleep(std::time::Duration::from_millis(1));
                let caller = thread::current().id();
                team.each(&mut [(), ()], |_, ()| {
                    if thread::current().id() != caller {
                        helped.store(true, SeqCst);
                    } else {
                        thread::sleep(std::time::Duration::from_millis(1));
                    }
                });
                if helped.load(SeqCst) {
                    return;
                }
            }
            panic!("no helper took a part in 200 calls");
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        with_team(2, |team| {
            for bad in 0..4 {
                let mut items = [0; 4];
                let result = catch_unwind(AssertUnwindSafe(|| {
                    team.each(&mut items, |index, item| {
                        assert_ne!(index, bad, "as asked");
                        *item = 1;
                    });
                }));
                assert!(result.is_err());
                assert_eq!(items.iter().sum::<i32>(), 3, "the other items are done all the same");
            }
        });
    }
}
