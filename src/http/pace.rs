//! How slow a client may be.

use std::time::Duration;

/// Time that a client may let the service wait: each byte earns some of it, up to the patience at the start.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    left: Duration,
    patience: Duration,
    bytes_per_second: f64,
}

impl Pace {
    /// Ends after `patience` without a byte, or on average below `bytes_per_second`.
    pub fn new(patience: Duration, bytes_per_second: u32) -> Self {
        Self { left: patience, patience, bytes_per_second: f64::from(bytes_per_second.max(1)) }
    }

    /// How long to wait at most for the next bytes.
    pub fn left(&self) -> Duration {
        self.left
    }

    /// Counts `bytes` that came, or went, after `waited`.
    pub fn passed(&mut self, bytes: usize, waited: Duration) {
        let earned = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        self.left = self.left.saturating_sub(waited).saturating_add(earned).min(self.patience);
    }

    /// What was expected of the client.
    pub fn expected(&self) -> String {
        format!(
            "expected at least {} bytes a second, and the next part of the body within {} s",
            self.bytes_per_second,
            self.patience.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_used_up_by_slow_bytes_and_not_saved() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(10 * second, 100);
        pace.passed(1 << 30, second);
        assert_eq!(pace.left(), 10 * second);
        for _ in 0..9 {
            pace.passed(1, second);
        }
        assert!(pace.left() < 2 * second && pace.left() > second, "{pace:?}");
        pace.passed(1, 5 * second);
        assert!(pace.left() < second / 50, "{pace:?}");
        // At the rate it can continue for ever.
        for _ in 0..1000 {
            pace.passed(100, second);
        }
        assert!(pace.left() > Duration::ZERO);
    }
}
