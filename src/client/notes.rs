//! Words on stderr.

use std::{fmt::Display, io::Write};

/// Writes a line to stderr. Where nobody can read it any more, the command goes on without.
pub fn note(text: impl Display) {
    tell(&format!("{text}\n"));
}

/// Writes text to stderr as it is.
pub fn tell(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}
