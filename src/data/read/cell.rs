//! The meaning of a cell's text.

use super::{numeric::Numeric, spelling::Spelling};
use std::borrow::Cow;

/// A cell as its format spells it, without white space around it.
#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    /// JSON's null, or a key that a record does not have.
    Missing,
    /// Text whose meaning follows from its spelling (CSV); see [`read`].
    Written {
        /// Without quotes.
        text: Cow<'a, str>,
        /// Whether it was in quotes.
        quoted: bool,
    },
    /// A JSON string: always text.
    Text(&'a str),
    /// A JSON number.
    Number(Numeric),
    /// A JSON boolean.
    Boolean(bool),
}

impl Cell<'_> {
    /// With text that is always text as written text, if `reads_text`.
    #[inline]
    pub fn read_as(self, reads_text: bool) -> Self {
        match self {
            Self::Text(text) if reads_text => Self::Written { text: Cow::Borrowed(text), quoted: true },
            cell => cell,
        }
    }
}

/// The meaning of a written cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token {
    /// Empty, or one of the spellings of a missing value: `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`, `-NaN`, `null`, in any case.
    Missing,
    /// One of [`PLACEHOLDERS`]: missing if the column's other cells are all numbers or all booleans, and a level like any
    /// other in a category (`-` beside `+`, `None` beside `Insomnia`).
    Placeholder,
    /// A decimal number; infinite if it is spelled so, or is past the range of `f64`.
    Number(f64),
    /// true or false, in any case. 0 and 1 are numbers.
    Boolean(bool),
    /// Anything else.
    Text,
}

/// Words for false and true in a column that the client declares boolean, in lower case.
const TRUTHS: [[&str; 2]; 22] = [
    ["false", "true"],
    ["no", "yes"],
    ["n", "y"],
    ["f", "t"],
    ["off", "on"],
    ["0", "1"],
    ["nein", "ja"],
    ["n", "j"],
    ["falsch", "wahr"],
    ["non", "oui"],
    ["faux", "vrai"],
    ["no", "s\u{ed}"],
    ["no", "si"],
    ["no", "s\u{ec}"],
    ["falso", "verdadero"],
    ["falso", "vero"],
    ["n\u{e3}o", "sim"],
    ["falso", "verdadeiro"],
    ["nee", "ja"],
    ["nej", "ja"],
    ["nie", "tak"],
    ["\u{43d}\u{435}\u{442}", "\u{434}\u{430}"],
];

/// What a word says in a column that the client declares boolean, in any case.
pub(crate) fn boolean_in(text: &str) -> Option<bool> {
    const MAX_LENGTH: usize = 16;
    if text.len() > MAX_LENGTH {
        return None;
    }
    let word = text.to_lowercase();
    TRUTHS.iter().find_map(|pair| pair.iter().position(|known| *known == word)).map(|place| place == 1)
}

/// What tools and people write for a missing number.
const PLACEHOLDERS: [&str; 21] = [
    "?", "-", "--", ".", "*", "none", "nil", "\\N", "N.A.", "n.a", "NaT", "(null)", "(blank)", "#DIV/0!", "#VALUE!",
    "#REF!", "#NAME?", "#NUM!", "#NULL!", "1.#QNAN", "-1.#IND",
];

/// The one decision what of a text is content: white space around it is not, at upload and at prediction.
#[inline]
pub(crate) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [] => text,
        // most texts
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => text,
        _ => text.trim_matches(|character: char| character.is_whitespace() || ZERO_WIDTH.contains(&character)),
    }
}

/// Characters without a width: zero-width space, word joiner, byte order mark.
const ZERO_WIDTH: [char; 3] = ['\u{200b}', '\u{2060}', '\u{feff}'];

/// The meaning of a written cell in this spelling.
#[inline]
pub(super) fn read(text: &str, spelling: &Spelling) -> Token {
    if let Some(missing) = &spelling.missing {
        return match text {
            "" => Token::Missing,
            text if missing.iter().any(|known| known == text) => Token::Missing,
            _ => match localized(text, spelling) {
                // The usual spellings of missing values are text in this file.
                Token::Missing | Token::Placeholder => Token::Text,
                token => token,
            },
        };
    }
    if spelling.is_plain() { usual(text) } else { localized(text, spelling) }
}

fn localized(text: &str, spelling: &Spelling) -> Token {
    if spelling.is_plain() {
        return usual(text);
    }
    let is_numeric = text.bytes().next().is_some_and(|first| first.is_ascii_digit() || b"+-.,".contains(&first));
    if !is_numeric {
        return usual(text);
    }
    match spelling.plain(text).map(|plain| usual(&plain)) {
        Some(Token::Number(value)) => Token::Number(value),
        _ => match usual(text) {
            Token::Number(_) => Token::Text,
            token => token,
        },
    }
}

#[inline]
fn usual(text: &str) -> Token {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => Token::Missing,
        Some(b'0'..=b'9') => decimal(bytes).unwrap_or_else(|| placeholder_or_text(text)),
        Some(b'+' | b'-' | b'.') => signed(text),
        Some(_) => word(text),
    }
}

/// Whether this text is one of the usual spellings of a missing value.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(usual(text), Token::Missing)
}

/// The spelling of a JSON number as a level of a text column: the same at upload and at prediction.
pub(crate) fn number_text(number: &serde_json::Number) -> String {
    Numeric::of_json(number).text()
}

/// Whether a text spells this JSON number, to the last digit of an integer.
pub(crate) fn spells(text: &str, number: &serde_json::Number) -> bool {
    number_in(text).is_some_and(|value| Numeric::spelled(text, value).bits() == Numeric::of_json(number).bits())
}

/// Whether a JSON number is past the integers of 64 bits, so that the digits it was sent with are not known.
pub(crate) fn is_past_integers(number: &serde_json::Number) -> bool {
    number.is_f64() && number.as_f64().is_some_and(|value| value.abs() >= i64::MAX as f64)
}

/// The value of a text that is spelled as a number.
pub(crate) fn number_in(text: &str) -> Option<f64> {
    match usual(text) {
        Token::Number(value) => Some(value),
        _ => None,
    }
}

/// The value of a text that is a decimal number in digits, in a spelling that has nothing of its own: the same as that of [`read`].
#[inline]
pub(super) fn digits(text: &str) -> Option<f64> {
    let digits = match text.as_bytes() {
        [b'+' | b'-', digits @ ..] => digits,
        digits => digits,
    };
    let is_decimal = digits.first().is_some_and(u8::is_ascii_digit);
    if is_decimal { fast_float2::parse(text).ok() } else { None }
}

fn decimal(bytes: &[u8]) -> Option<Token> {
    fast_float2::parse::<f64, _>(bytes).ok().map(Token::Number)
}

fn signed(text: &str) -> Token {
    let (sign, rest) = text.split_at(1);
    // a second sign, or a word such as `-inf`, is no decimal number; the parser would take the words
    if rest.starts_with(|first: char| first.is_ascii_digit() || (first == '.' && sign != ".")) {
        return decimal(text.as_bytes()).unwrap_or_else(|| placeholder_or_text(text));
    }
    match word(rest) {
        Token::Number(value) if sign == "-" => Token::Number(-value),
        Token::Number(value) if sign == "+" => Token::Number(value),
        Token::Missing if sign == "-" && rest.eq_ignore_ascii_case("nan") => Token::Missing,
        _ => placeholder_or_text(text),
    }
}

fn word(text: &str) -> Token {
    const MAX_LENGTH: usize = "infinity".len();
    if text.len() > MAX_LENGTH {
        return placeholder_or_text(text);
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") {
        Token::Boolean(true)
    } else if is("false") {
        Token::Boolean(false)
    } else if super::spelling::MISSING.into_iter().any(is) {
        Token::Missing
    } else if is("inf") || is("infinity") {
        Token::Number(f64::INFINITY)
    } else {
        placeholder_or_text(text)
    }
}

fn placeholder_or_text(text: &str) -> Token {
    const MAX_LENGTH: usize = "(blank)".len();
    let is_placeholder =
        text.len() <= MAX_LENGTH && PLACEHOLDERS.into_iter().any(|known| text.eq_ignore_ascii_case(known));
    if is_placeholder { Token::Placeholder } else { Token::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Token {
        super::read(text, &Spelling::USUAL)
    }

    #[test]
    fn own_missing_values_replace_the_usual_ones() {
        let spelling = Spelling { missing: Some(vec!["-999".into(), "x".into()]), ..Spelling::USUAL };
        let read = |text| super::read(text, &spelling);
        assert_eq!((read("-999"), read("x"), read("")), (Token::Missing, Token::Missing, Token::Missing));
        assert_eq!((read("NA"), read("?"), read("1")), (Token::Text, Token::Text, Token::Number(1.0)));
    }

    #[test]
    fn digits_are_what_read_says() {
        for text in [
            "5", "-0.25", "+1e3", "1e400", "007", "5.", "1_000", "0x10", "1,5", "1e", "--1", "+-1", "", "-", "-inf",
            "nan", "5 cm",
        ] {
            let value = match read(text) {
                Token::Number(value) if text != "-inf" => Some(value),
                _ => None,
            };
            assert_eq!(digits(text), value, "{text:?}");
        }
    }

    #[test]
    fn a_word_says_one_thing() {
        for [no, yes] in TRUTHS {
            for (word, truth) in [(no, false), (yes, true)] {
                assert_eq!(boolean_in(word), Some(truth), "{word}");
                assert_eq!(boolean_in(&word.to_uppercase()), Some(truth), "{word}");
            }
        }
        assert_eq!((boolean_in("m"), boolean_in(""), boolean_in("maybe")), (None, None, None));
    }

    #[test]
    fn decimal_commas() {
        let spelling = Spelling { decimal: b',', ..Spelling::USUAL };
        let read = |text| super::read(text, &spelling);
        assert_eq!(
            (read("1,5"), read("-0,25"), read("7")),
            (Token::Number(1.5), Token::Number(-0.25), Token::Number(7.0))
        );
        assert_eq!(
            (read("1.5"), read("NA"), read("-"), read("abc")),
            (Token::Text, Token::Missing, Token::Placeholder, Token::Text)
        );
    }

    #[test]
    fn spellings() {
        for text in ["", "NA", "n/a", "NaN", "-nan", "NULL", "<NA>", "#N/A"] {
            assert_eq!(read(text), Token::Missing, "{text:?}");
        }
        for text in ["?", "-", "--", ".", "None", "*", "\\N", "NaT", "#DIV/0!", "(null)", "1.#QNAN", "-1.#IND"] {
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
