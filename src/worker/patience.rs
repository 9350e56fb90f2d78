//! [`Patience`]: how long a worker waits for a store that cannot be read or written for now.

use crate::{job::JobError, store::StoreError, worker::ended::fault};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a job waits for space on a full disk. For what is inaccessible or gone it waits until that is put right: no other job could run
/// either.
const FOR_SPACE: Duration = Duration::from_secs(300);

/// The first wait; each is twice as long as the one before it.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(10);

/// The waits of one job for one thing.
#[derive(Debug)]
pub struct Patience {
    began: Instant,
    waits: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { began: Instant::now(), waits: 0 }
    }
}

impl Patience {
    /// Whether no wait was granted yet.
    pub fn is_new(&self) -> bool {
        self.waits == 0
    }

    /// How long to wait before the next attempt; `None` where there is to be none.
    pub fn next(&mut self, error: &StoreError) -> Option<Duration> {
        let is_over = matches!(error, StoreError::Full) && self.began.elapsed() >= FOR_SPACE;
        if !error.is_transient() || is_over {
            return None;
        }
        let wait = FIRST.saturating_mul(1 << self.waits.min(8)).min(LONGEST);
        self.waits += 1;
        Some(wait)
    }
}

/// The error of a job whose weights cannot be stored.
pub fn unstored(id: Uuid, error: &StoreError) -> JobError {
    tracing::error!(job = %id, error = error.with_cause(), "trained weights cannot be stored");
    match error {
        StoreError::Full => JobError {
            code: "storage_full".to_owned(),
            detail: format!(
                "the weights could not be stored, since no disk space was left for {} minutes; delete datasets or models, and \
                 submit the job again",
                FOR_SPACE.as_secs() / 60
            ),
        },
        _ => fault(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inaccessible() -> StoreError {
        StoreError::Inaccessible("the database", anyhow::anyhow!("read-only file system"))
    }

    #[test]
    fn waits_get_longer_up_to_a_limit() {
        let mut patience = Patience::default();
        assert!(patience.is_new());
        let waits: Vec<Duration> = (0..40).map(|_| patience.next(&inaccessible()).unwrap()).collect();
        assert!(!patience.is_new());
        assert_eq!((waits[0], waits[1], waits[39]), (FIRST, 2 * FIRST, LONGEST));
        assert!(waits.is_sorted());
    }

    #[test]
    fn a_full_disk_is_not_waited_for_forever_and_a_fault_not_at_all() {
        let mut patience = Patience::default();
        assert!(patience.next(&StoreError::Full).is_some());
        let Some(began) = Instant::now().checked_sub(FOR_SPACE) else { return };
        patience.began = began;
        assert!(patience.next(&StoreError::Full).is_none());
        assert!(patience.next(&inaccessible()).is_some());
        assert!(patience.next(&StoreError::Internal(anyhow::anyhow!("damaged"))).is_none());
        assert_eq!(unstored(Uuid::nil(), &StoreError::Full).code, "storage_full");
    }
}
