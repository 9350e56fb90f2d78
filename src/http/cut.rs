//! What clients wrote, cut where it is shown.

use std::borrow::Cow;

/// Maximum characters of a client's text in a log line or an error.
const MAX_SHOWN: usize = 200;

/// `text`, or its start and its length.
pub fn cut(text: &str) -> Cow<'_, str> {
    cut_after(text, MAX_SHOWN)
}

/// `text`, or its first `max` characters and its length.
pub fn cut_after(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{start}… ({} bytes)", text.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_texts_are_cut() {
        assert_eq!(cut("GET"), "GET");
        assert_eq!(cut(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(cut(&"é".repeat(201)), format!("{}… (402 bytes)", "é".repeat(200)));
    }
}
