//! What the demo prints.

use anyhow::Context;
use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

/// Writes a line to stdout.
pub fn say(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}").context("cannot write to stdout")
}

/// A reader of stdout that has enough ends the demo, and is no error.
pub fn without_closed_pipe(error: anyhow::Error) -> anyhow::Result<()> {
    let is_closed = error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe);
    if is_closed { Ok(()) } else { Err(error) }
}
