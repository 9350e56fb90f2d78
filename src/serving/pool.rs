//! [`Pool`].

use std::sync::OnceLock;

/// Threads for large predictions of classical models, started with the first of them.
#[derive(Debug)]
pub struct Pool {
    threads: usize,
    pool: OnceLock<Option<rayon::ThreadPool>>,
}

impl Pool {
    /// A pool of this many threads.
    pub fn new(threads: usize) -> Self {
        Self { threads: threads.max(1), pool: OnceLock::new() }
    }

    /// Runs `work` in the pool; on the calling thread where no threads can be started.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let start = || {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(self.threads);
            let pool = builder.thread_name(|number| format!("predict-{number}")).build();
            pool.inspect_err(|error| tracing::error!(%error, "no threads for predictions")).ok()
        };
        match self.pool.get_or_init(start) {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_threads_that_are_configured() {
        for threads in [1, 3] {
            let pool = Pool::new(threads);
            assert!(pool.pool.get().is_none());
            assert_eq!(pool.run(rayon::current_num_threads), threads);
            assert!(pool.run(|| rayon::current_thread_index().is_some()));
        }
    }
}
