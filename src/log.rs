//! The log on stderr: lines for people or JSON, without characters that a terminal obeys.

use crate::config::{Config, LogFormat};
use anyhow::Context;
use std::{
    borrow::Cow,
    ffi::OsStr,
    fmt::Write as _,
    io::{IsTerminal, Stderr, Write},
};
use tracing_subscriber::EnvFilter;

/// Starts the log of the process. Colours are for terminals, unless `NO_COLOR` is set.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .with_context(|| format!("expected --log to be a level or tracing directives, received {:?}", config.log))?;
    let format = config.log_format;
    let has_colours = has_colours(format, std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR").as_deref());
    let writer = move || Escaped { stderr: std::io::stderr(), format, has_colours };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(has_colours).with_writer(writer);
    match format {
        LogFormat::Human => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    // A panic is one event of the log like any other.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
    Ok(())
}

/// Whether the log has colours; an empty `NO_COLOR` counts as unset (<https://no-color.org>).
fn has_colours(format: LogFormat, is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    format == LogFormat::Human && is_terminal && no_color.is_none_or(OsStr::is_empty)
}

/// Writes each event, which is one call of `write`, as one line without control characters.
struct Escaped {
    stderr: Stderr,
    format: LogFormat,
    has_colours: bool,
}

impl Write for Escaped {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        // A closed pipe or a full disk must not end the service: what the subscriber says of a failure goes to stderr too, and panics.
        let _ = self.stderr.write_all(escaped(&text, self.format, self.has_colours).as_bytes());
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stderr.flush()
    }
}

/// Control characters, and those that turn the direction of writing or end a line for some readers.
fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(event: &str, format: LogFormat, has_colours: bool) -> Cow<'_, str> {
    let (line, end) = match event.strip_suffix('\n') {
        Some(line) => (line, "\n"),
        None => (event, ""),
    };
    let is_kept = |letter: char| !is_obeyed(letter) || (has_colours && letter == '\u{1b}');
    if line.chars().all(is_kept) {
        return Cow::Borrowed(event);
    }
    let mut text = String::with_capacity(event.len() + 16);
    for letter in line.chars() {
        match format {
            _ if is_kept(letter) => text.push(letter),
            // A JSON text has such characters in its strings alone.
            LogFormat::Json => drop(write!(text, "\\u{:04x}", u32::from(letter))),
            LogFormat::Human => text.extend(letter.escape_default()),
        }
    }
    text.push_str(end);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_without_no_color() {
        let no_color = |value| has_colours(LogFormat::Human, true, value);
        assert!(no_color(None) && no_color(Some(OsStr::new(""))));
        assert!(!no_color(Some(OsStr::new("1"))) && !no_color(Some(OsStr::new("0"))));
        assert!(!has_colours(LogFormat::Human, false, None), "a log file");
        assert!(!has_colours(LogFormat::Json, true, None));
    }

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        let event = "a\u{9b}31m\u{1b}[0m\nb\u{202e}é\u{7f}\n";
        assert_eq!(escaped(event, LogFormat::Human, false), "a\\u{9b}31m\\u{1b}[0m\\nb\\u{202e}é\\u{7f}\n");
        assert!(escaped(event, LogFormat::Human, true).contains("\u{1b}[0m\\nb"));
        assert_eq!(escaped("\"a\u{9b}\"\n", LogFormat::Json, false), "\"a\\u009b\"\n");
        assert!(matches!(escaped("plain\n", LogFormat::Json, false), Cow::Borrowed(_)));
    }
}
