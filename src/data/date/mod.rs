//! Dates and times written as text: patterns in the style of `strptime`, detection, and calendar arithmetic. Times are seconds since
//! 1970 in UTC; a time without a zone is taken as UTC.

mod calendar;
mod detect;
mod pattern;

pub use calendar::{Civil, civil, seconds_of};
pub use detect::{Candidates, DateForms, Detected};
pub use pattern::{DatePattern, Instant};
