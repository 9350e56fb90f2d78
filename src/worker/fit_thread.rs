//! [`FitThread`].

use std::{
    io,
    sync::mpsc::{self, SendError, Sender},
    thread,
};

type Work = Box<dyn FnOnce() + Send>;

/// The stack of a fit: a job is prepared, trained, compared and stored in one call. A build without optimization takes over 2 MiB.
const STACK_BYTES: usize = 8 << 20;

/// A thread that fits jobs, one after the other.
///
/// It starts with its first job and ends with its owner: a new thread per job costs about half of a short job's time.
#[derive(Debug, Default)]
pub struct FitThread {
    queue: Option<Sender<Work>>,
}

impl FitThread {
    /// Runs `work`, which must not panic, after the work before it. Fails where no thread can be started.
    pub fn run(&mut self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut work: Work = Box::new(work);
        if let Some(sender) = &self.queue {
            match sender.send(work) {
                Ok(()) => return Ok(()),
                Err(SendError(back)) => work = back,
            }
        }
        let (sender, received) = mpsc::channel::<Work>();
        thread::Builder::new().name("fit".into()).stack_size(STACK_BYTES).spawn(move || {
            lower_priority();
            work();
            received.into_iter().for_each(|work| work());
        })?;
        self.queue = Some(sender);
        Ok(())
    }
}

/// How much less of a busy processor than other threads the fits get: about a tenth.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the priority of the calling thread and of those that it starts, so that requests are answered soon while jobs train. On Linux,
/// where a thread can have a priority of its own.
fn lower_priority() {
    // The threads that requests share with fits start here at the latest, and must not inherit it.
    rayon::current_num_threads();
    #[cfg(target_os = "linux")]
    {
        let lower = || match rustix::process::getpriority_process(None)? {
            now if now < NICE => rustix::process::setpriority_process(None, NICE),
            _ => Ok(()),
        };
        if let Err(error) = lower() {
            tracing::debug!(%error, "fits have the priority of other threads");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn fits_and_their_threads_have_a_low_priority_and_no_other_thread() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let mut fits = FitThread::default();
        let (sender, seen) = mpsc::channel();
        fits.run(move || {
            let inherited = thread::spawn(move || rustix::process::getpriority_process(None).unwrap()).join();
            sender.send((rustix::process::getpriority_process(None).unwrap(), inherited.unwrap())).unwrap();
        })
        .unwrap();
        let expected = before.max(NICE);
        assert_eq!(seen.recv().unwrap(), (expected, expected));
        assert_eq!(priority(), before);
    }

    #[test]
    fn works_run_in_order_on_one_thread_which_ends_with_its_owner() {
        let mut fits = FitThread::default();
        let (sender, ran) = mpsc::channel();
        for work in 0..3 {
            let sender = sender.clone();
            fits.run(move || sender.send((work, thread::current().id())).unwrap()).unwrap();
        }
        drop((fits, sender));
        let ran: Vec<_> = ran.into_iter().collect();
        assert_eq!(ran.iter().map(|(work, _)| *work).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(ran.iter().all(|(_, thread)| *thread == ran[0].1));
    }
}
