//! [`in_turn`]: work on large bodies, of which little is done at a time.

use super::problem::Problem;
use std::{num::NonZero, sync::LazyLock, thread};
use tokio::sync::Semaphore;

/// Half of the processors: the others answer small requests.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new((thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1)));

/// Runs `work` on a blocking thread when it is its turn. Work that has begun is done, also where nobody waits for it any more.
pub async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let turn = TURNS.acquire().await.map_err(Problem::internal)?;
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        time::Duration,
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_is_done_at_a_time_than_there_are_turns() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let turns = TURNS.available_permits();
        let work = || {
            MOST.fetch_max(NOW.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::sleep(Duration::from_millis(5));
            NOW.fetch_sub(1, SeqCst);
        };
        let all: Vec<_> = (0..4 * turns + 3).map(|_| tokio::spawn(in_turn(work))).collect();
        for one in all {
            assert!(one.await.unwrap().is_ok());
        }
        assert!((1..=turns).contains(&MOST.load(SeqCst)));
        assert_eq!(TURNS.available_permits(), turns);
    }
}
