//! [`Cancellation`]: a request to end long work early.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

thread_local! {
    static CURRENT: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// A flag that ends work early once it is set.
///
/// It belongs to a thread for the length of a call, so that loops many calls below can look at it without a parameter in each of
/// them: those over the panels of a matrix product, the steps of a sequence, the rows of a column. Work that ends early leaves results
/// without meaning; whoever set the flag discards them. A [`Team`](super::kernel::Team) takes the caller's flag with it.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Option<Arc<AtomicBool>>);

impl Cancellation {
    /// Of this flag.
    pub fn new(flag: &Arc<AtomicBool>) -> Self {
        Self(Some(Arc::clone(flag)))
    }

    /// Of the work that the calling thread does.
    pub fn current() -> Self {
        Self(CURRENT.with_borrow(Clone::clone))
    }

    /// Of a new flag, which is set when the guard is dropped: work that nobody waits for any more ends early.
    pub fn guarded() -> (Self, CancelOnDrop) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self::new(&flag), CancelOnDrop(flag))
    }

    /// The flag; one that is never set where there is none.
    pub fn flag(&self) -> &AtomicBool {
        static NEVER: AtomicBool = AtomicBool::new(false);
        self.0.as_deref().unwrap_or(&NEVER)
    }

    /// Whether there is a flag.
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Runs `work` as work that this flag ends.
    pub fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        let _before = Restored(CURRENT.replace(self.0.clone()));
        work()
    }
}

/// Cancels work when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Whether the work that the calling thread does is to end early.
pub fn is_cancelled() -> bool {
    CURRENT.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Relaxed)))
}

/// Items between two looks at the flag: a few milliseconds.
const LOOK: usize = 1 << 16;

/// The items until the work is cancelled.
pub fn until_cancelled<I: Iterator>(items: I) -> UntilCancelled<I> {
    UntilCancelled { items, until_look: 0 }
}

/// The items of an iterator until the work of the thread is cancelled.
#[derive(Debug, Clone)]
pub struct UntilCancelled<I> {
    items: I,
    until_look: usize,
}

impl<I: Iterator> Iterator for UntilCancelled<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        if self.until_look == 0 {
            if is_cancelled() {
                return None;
            }
            self.until_look = LOOK;
        }
        self.until_look -= 1;
        self.items.next()
    }

    /// That of the items, so that a list of them is allocated once; there are fewer only where it is cancelled.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// The flag of the work around, restored at the end of that within, also where it panics.
struct Restored(Option<Arc<AtomicBool>>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kernel::Team;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn the_innermost_flag_counts_and_a_panic_leaves_none_behind() {
        let (outer, inner) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        Cancellation::new(&outer).within(|| {
            assert!(is_cancelled());
            Cancellation::new(&inner).within(|| assert!(!is_cancelled()));
            Cancellation::default().within(|| assert!(!is_cancelled() && !Cancellation::current().is_some()));
            assert!(is_cancelled() && Cancellation::current().is_some());
            let panicked = catch_unwind(AssertUnwindSafe(|| Cancellation::new(&inner).within(|| panic!("in a test"))));
            assert!(panicked.is_err() && is_cancelled());
        });
        assert!(!is_cancelled());
    }

    #[test]
    fn work_that_nobody_waits_for_is_cancelled() {
        let (cancellation, guard) = Cancellation::guarded();
        cancellation.within(|| {
            assert!(!is_cancelled() && !Cancellation::current().flag().load(Relaxed));
            drop(guard);
            assert!(is_cancelled() && Cancellation::current().flag().load(Relaxed));
        });
        assert!(!Cancellation::current().flag().load(Relaxed));
    }

    #[test]
    fn items_end_soon_after_the_flag_is_set() {
        let flag = Arc::new(AtomicBool::new(false));
        let count = |stop_at: usize| {
            let set = |item: usize| flag.store(item >= stop_at, Relaxed);
            Cancellation::new(&flag).within(|| until_cancelled(0..10 * LOOK).inspect(|item| set(*item)).count())
        };
        assert_eq!(count(usize::MAX), 10 * LOOK);
        assert_eq!(count(LOOK + 5), 2 * LOOK);
        assert_eq!(until_cancelled(0..3).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_team_takes_the_flag_of_its_caller_and_returns_it() {
        let (team, flag) = (Team::new(3), Arc::new(AtomicBool::new(true)));
        let seen = |expected: bool| {
            let mut parts = [None; 32];
            team.each(&mut parts, |_, part| *part = Some(is_cancelled()));
            assert_eq!(parts, [Some(expected); 32]);
        };
        for _ in 0..50 {
            Cancellation::new(&flag).within(|| seen(true));
            seen(false);
        }
        assert_eq!(Arc::strong_count(&flag), 1);
    }
}
