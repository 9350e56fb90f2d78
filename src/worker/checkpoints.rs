//! [`Checkpoints`] of a job, and the [`Keeper`] that decides when the state of its fit is written.

use crate::{
    engine::fit::FitState,
    store::artifacts::{Artifacts, StoredState},
};
use std::{
    io::{self, Write},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// The shortest interval between two checkpoints that nothing asks for.
const INTERVAL: Duration = Duration::from_secs(5);

/// Such an interval is at least so many times what the last checkpoint took.
const SHARE: u32 = 50;

/// A pause and the end of the service do not wait for a checkpoint that takes longer.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Where the state of a job's fit is kept.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    pub artifacts: Artifacts,
    pub job: Uuid,
    /// The epoch after which an earlier attempt has kept it.
    pub after: Option<u32>,
}

impl Checkpoints {
    /// What an earlier attempt has kept, where that is of use.
    pub fn open(&self, stop: &dyn Fn() -> bool) -> Option<StoredState> {
        let after = self.after?;
        match self.artifacts.checkpoint(self.job, after, stop) {
            Ok(state) => Some(state),
            Err(error) => {
                if !stop() {
                    tracing::warn!(job = %self.job, error = format!("{error:#}"), "no use of the checkpoint of epoch {after}");
                    self.remove();
                }
                None
            }
        }
    }

    /// Removes what an earlier attempt has kept, which is of no use.
    pub fn remove(&self) {
        if let Some(after) = self.after {
            self.artifacts.remove_checkpoint(self.job, after);
        }
    }
}

/// Keeps the state of a fit.
#[derive(Debug)]
pub struct Keeper {
    checkpoints: Checkpoints,
    /// The epoch after which the fit continues.
    pub after: u32,
    /// When the last checkpoint was written, or the fit began.
    last: Instant,
    /// How long that took.
    took: Duration,
}

impl Keeper {
    /// Of a fit that continues `after` an epoch; 0 for one that begins.
    pub fn new(checkpoints: Checkpoints, after: u32) -> Self {
        Self { checkpoints, after, last: Instant::now(), took: Duration::ZERO }
    }

    /// Whether to write now; `is_asked` where the fit is about to rest or to end.
    pub fn is_due(&self, is_asked: bool) -> bool {
        match is_asked {
            true => self.took <= MAX_WAIT,
            false => self.last.elapsed() >= INTERVAL.max(self.took.saturating_mul(SHARE)),
        }
    }

    /// Writes the state after `epoch`, unless `stop` says so before the end. What fails is logged: the fit goes on. Returns whether it is
    /// kept.
    pub fn keep(&mut self, epoch: u32, state: &mut dyn FitState, stop: &dyn Fn() -> bool) -> bool {
        let began = Instant::now();
        let Checkpoints { artifacts, job, .. } = &self.checkpoints;
        let written = artifacts.write_checkpoint(*job, epoch, |out| state.write(&mut Unless { out, stop }));
        if let Err(error) = &written
            && !stop()
        {
            tracing::warn!(%job, %error, "the state of a fit is not kept; the fit goes on");
        }
        self.last = Instant::now();
        self.took = began.elapsed();
        written.is_ok()
    }
}

/// Writes until it is stopped.
struct Unless<'a> {
    out: &'a mut dyn Write,
    stop: &'a dyn Fn() -> bool,
}

impl Write for Unless<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.stop)() {
            return Err(io::Error::other("stopped on request"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct State(Vec<u8>);

    impl FitState for State {
        fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
            out.write_all(&self.0)
        }
    }

    #[test]
    fn what_is_kept_is_opened_and_a_failure_is_not_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path()).unwrap();
        let job = Uuid::now_v7();
        let checkpoints = |after| Checkpoints { artifacts: artifacts.clone(), job, after };
        let mut keeper = Keeper::new(checkpoints(None), 0);
        assert!(!keeper.keep(1, &mut State(vec![1; 100]), &|| true));
        assert!(keeper.keep(2, &mut State(vec![1; 100]), &|| false));
        assert!(checkpoints(Some(2)).open(&|| false).is_some());
        assert!(checkpoints(Some(1)).open(&|| false).is_none() && checkpoints(None).open(&|| false).is_none());
        assert!(checkpoints(Some(2)).open(&|| true).is_none(), "what is stopped removes nothing");
        assert!(checkpoints(Some(2)).open(&|| false).is_some());
        checkpoints(Some(2)).remove();
        assert!(checkpoints(Some(2)).open(&|| false).is_none());
        std::fs::remove_dir_all(folder.path()).unwrap();
        std::fs::write(folder.path(), "no folder").unwrap();
        assert!(!keeper.keep(3, &mut State(vec![1; 100]), &|| false));
        std::fs::remove_file(folder.path()).unwrap();
    }

    #[test]
    fn a_checkpoint_takes_a_small_part_of_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints =
            Checkpoints { artifacts: Artifacts::open(folder.path()).unwrap(), job: Uuid::now_v7(), after: None };
        let mut keeper = Keeper::new(checkpoints, 0);
        assert!(!keeper.is_due(false) && keeper.is_due(true));
        let Some(earlier) = Instant::now().checked_sub(INTERVAL) else { return };
        keeper.last = earlier;
        assert!(keeper.is_due(false));
        keeper.took = 2 * INTERVAL / SHARE;
        assert!(!keeper.is_due(false) && keeper.is_due(true));
        keeper.took = 2 * MAX_WAIT;
        assert!(!keeper.is_due(true));
    }
}
