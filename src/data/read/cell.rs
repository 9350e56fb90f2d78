//! The meaning of a cell's text.

use std::borrow::Cow;

/// A cell as its format spells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// JSON's null, or a key that a record does not have.
    Missing,
    /// Text whose meaning follows from its spelling (CSV); see [`read`].
    Written(Cow<'a, str>),
    /// A JSON string: always text.
    Text(&'a str),
    /// A JSON number.
    Number(f64),
    /// A JSON boolean.
    Boolean(bool),
}

/// The meaning of a written cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token {
    /// Empty, or one of the spellings of a missing value: `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`, `-NaN`, `null`, in any case.
    Missing,
    /// `?`, `-`, `--`, `.` or `none`: missing where the column's other cells are all numbers or all booleans, and a level
    /// like any other in a category (`-` beside `+`, `None` beside `Insomnia`).
    Placeholder,
    /// A decimal number; infinite where it is written so, or is past the range of `f64`.
    Number(f64),
    /// true or false, in any case. 0 and 1 are numbers.
    Boolean(bool),
    /// Anything else.
    Text,
}

/// The meaning of a written cell.
#[inline]
pub(super) fn read(text: &str) -> Token {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => Token::Missing,
        Some(b'0'..=b'9') => decimal(bytes).unwrap_or(Token::Text),
        Some(b'+' | b'-' | b'.') => signed(text),
        Some(_) => word(text),
    }
}

/// Whether this text is one of the spellings of a missing value.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(read(text), Token::Missing)
}

/// The spelling of a JSON number in a text column.
pub(super) fn written(value: f64) -> String {
    value.to_string()
}

fn decimal(bytes: &[u8]) -> Option<Token> {
    fast_float2::parse::<f64, _>(bytes).ok().map(Token::Number)
}

fn signed(text: &str) -> Token {
    let (sign, rest) = text.split_at(1);
    // a second sign, or a word such as `-inf`, is no decimal number; the parser would take the words
    if rest.starts_with(|first: char| first.is_ascii_digit() || (first == '.' && sign != ".")) {
        return decimal(text.as_bytes()).unwrap_or(Token::Text);
    }
    match text {
        "-" | "--" | "." => Token::Placeholder,
        _ => match word(rest) {
            Token::Number(value) if sign == "-" => Token::Number(-value),
            Token::Number(value) if sign == "+" => Token::Number(value),
            Token::Missing if sign == "-" && rest.eq_ignore_ascii_case("nan") => Token::Missing,
            _ => Token::Text,
        },
    }
}

fn word(text: &str) -> Token {
    const MAX_LENGTH: usize = "infinity".len();
    if text.len() > MAX_LENGTH {
        return Token::Text;
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") {
        Token::Boolean(true)
    } else if is("false") {
        Token::Boolean(false)
    } else if ["na", "n/a", "nan", "null", "#n/a", "<na>"].into_iter().any(is) {
        Token::Missing
    } else if is("inf") || is("infinity") {
        Token::Number(f64::INFINITY)
    } else if text == "?" || is("none") {
        Token::Placeholder
    } else {
        Token::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for text in ["", "NA", "n/a", "NaN", "-nan", "NULL", "<NA>", "#N/A"] {
            assert_eq!(read(text), Token::Missing, "{text:?}");
        }
        for text in ["?", "-", "--", ".", "None"] {
            assert_eq!(read(text), Token::Placeholder, "{text:?}");
        }
        for (text, value) in
            [("5", 5.0), ("-0.25", -0.25), ("+1e3", 1e3), (".5", 0.5), ("-.5", -0.5), ("007", 7.0), ("5.", 5.0)]
        {
            assert_eq!(read(text), Token::Number(value), "{text:?}");
        }
        for (text, value) in [
            ("1e400", f64::INFINITY),
            ("-1e400", f64::NEG_INFINITY),
            ("Inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("+inf", f64::INFINITY),
        ] {
            assert_eq!(read(text), Token::Number(value), "{text:?}");
        }
        for (text, value) in [("true", true), ("FALSE", false), ("True", true)] {
            assert_eq!(read(text), Token::Boolean(value), "{text:?}");
        }
        for text in ["1_000", "0x10", "1,5", "1e", "--1", "+-1", "..", "+", "+nan", "setosa", "5 cm", "é", "-é", "yes"]
        {
            assert_eq!(read(text), Token::Text, "{text:?}");
        }
    }
}
