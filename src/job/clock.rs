//! The time, as exact as the store keeps it.

use jiff::Timestamp;

/// The current time to the microsecond.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
