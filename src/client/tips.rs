//! Tips where a command is looked for under another name.

use clap::error::{ContextKind, ContextValue};

/// Words that people try as commands, and the command that does it.
const COMMANDS: &[(&str, &str)] = &[
    ("cancel", "jobs cancel"),
    ("compare", "jobs compare"),
    ("finish", "jobs finish"),
    ("fit", "train"),
    ("kill", "jobs cancel"),
    ("list", "jobs"),
    ("logs", "logs"),
    ("ls", "jobs"),
    ("pause", "jobs pause"),
    ("ps", "jobs"),
    ("restart", "jobs retry"),
    ("resume", "jobs resume"),
    ("retry", "jobs retry"),
    ("run", "train"),
    ("server", "serve"),
    ("show", "jobs show"),
    ("start", "serve"),
    ("status", "jobs"),
    ("stop", "jobs cancel"),
    ("upload", "datasets add"),
    ("version", "--version"),
    ("watch", "watch"),
    ("weights", "export"),
];

/// The error of an unknown command, with a tip which command does that.
pub fn with_tip(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let Some((_, command)) = COMMANDS.iter().find(|(name, _)| *name == word.as_str()) else { return error };
    let tip = format!("use `epoca {command}`");
    // Clap's own guess is a name with similar letters.
    error.remove(ContextKind::SuggestedSubcommand);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}
