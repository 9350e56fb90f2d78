//! What the commands that list have in common.

use super::failure::Failure;

/// Entries of a list, unless the user wants more.
pub const DEFAULT_LIMIT: usize = 20;

/// Reads `--limit`.
pub fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| format!("expected at least 1, received {text:?}"))
}

/// Refuses flags of a list beside an action, such as `--status failed` before `show`.
pub fn only_without_action(flags: &[(&str, bool)], has_action: bool) -> Result<(), Failure> {
    match flags.iter().find(|(_, is_given)| *is_given && has_action) {
        Some((flag, _)) => Err(Failure::Usage(format!("{flag} is for the list: it cannot be used with an action"))),
        None => Ok(()),
    }
}
